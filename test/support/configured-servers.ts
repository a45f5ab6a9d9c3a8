import pg from 'pg'
import { vaultRequest } from './vault-request.ts'

/** URL of the Postgres whose superuser creates scratch databases; undefined if none is configured. */
export const POSTGRES_URL = process.env.DSCTL_TEST_POSTGRES_URL || undefined

/** The OpenBao or Vault server and its root token; undefined if none is configured. */
export const VAULT = configuredVault()

function configuredVault(): { addr: string; rootToken: string } | undefined {
  const addr = process.env.DSCTL_TEST_VAULT_ADDR
  const rootToken = process.env.DSCTL_TEST_VAULT_TOKEN
  return addr && rootToken ? { addr, rootToken } : undefined
}

/** Throws if a configured server does not answer, or if a required server is not configured. */
export async function checkServers(): Promise<void> {
  const missing = [
    ...(POSTGRES_URL ? [] : ['DSCTL_TEST_POSTGRES_URL']),
    ...(VAULT ? [] : ['DSCTL_TEST_VAULT_ADDR with DSCTL_TEST_VAULT_TOKEN']),
  ]
  if (missing.length && process.env.DSCTL_TEST_REQUIRE_SERVERS)
    throw new Error(`DSCTL_TEST_REQUIRE_SERVERS is set, so set these too: ${missing.join(', ')}.`)
  if (POSTGRES_URL) await onPostgres(POSTGRES_URL, 'SELECT 1')
  if (!VAULT) return
  const answer = await vaultRequest(VAULT.addr, VAULT.rootToken, { method: 'GET', path: 'auth/token/lookup-self' })
  if (answer.status !== 200)
    throw new Error(`The server at DSCTL_TEST_VAULT_ADDR answered ${answer.status} to DSCTL_TEST_VAULT_TOKEN.`)
}

/** Runs one statement on a new connection. */
export async function onPostgres(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Removes the scratch databases, roles and mounts that the suites of a run left behind. */
export async function sweep(run: string): Promise<void> {
  if (POSTGRES_URL) await sweepPostgres(POSTGRES_URL, `dsctl_test_${run}_`)
  if (!VAULT) return
  const { addr, rootToken } = VAULT
  const mounts = await vaultRequest(addr, rootToken, { method: 'GET', path: 'sys/mounts' })
  for (const mount of Object.keys(mounts.body.data).filter(name => name.startsWith(`dsctl-test-${run}-`)))
    await vaultRequest(addr, rootToken, { method: 'DELETE', path: `sys/mounts/${mount}` })
}

async function sweepPostgres(url: string, prefix: string): Promise<void> {
  const databases = await onPostgres(url, `SELECT datname FROM pg_database WHERE starts_with(datname, '${prefix}')`)
  for (const { datname } of databases) await onPostgres(url, `DROP DATABASE IF EXISTS "${datname}" WITH (FORCE)`)
  const roles = await onPostgres(url, `SELECT rolname FROM pg_roles WHERE starts_with(rolname, '${prefix}')`)
  for (const { rolname } of roles) await onPostgres(url, `DROP ROLE IF EXISTS "${rolname}"`)
}
