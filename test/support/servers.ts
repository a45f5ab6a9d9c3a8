import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { onPostgres, POSTGRES_URL, VAULT } from './configured-servers.ts'
import { kvServer } from './kv-server.ts'
import { givePgliteBack, takePglite } from './pglite-pool.ts'
import { type ScratchVault, vaultOn } from './vault.ts'

/** Whether suites run on a real Postgres, with connections that truly run at once, or on the embedded one. */
export const REAL_POSTGRES = POSTGRES_URL !== undefined

export interface ScratchDatabase {
  /** For the superuser `postgres`. */
  readonly url: string
  /** Runs one statement as the superuser. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever rows it expects
  query(sql: string, params?: readonly unknown[]): Promise<any[]>
  /** A new role that may log in, and the database's URL for it. It may do nothing until it is granted something. */
  createRole(): Promise<{ role: string; url: string }>
  drop(): Promise<void>
}

/**
 * A new database for the caller alone: on the configured Postgres, or on PGlite. With `tables` it may have the tables
 * that `dsctl init` makes already; otherwise it is empty. A run removes at its end what its suites did not drop.
 */
export async function scratchDatabase({ tables = false } = {}): Promise<ScratchDatabase> {
  const name = `dsctl_test_${inject('run')}_${shortId()}`
  return POSTGRES_URL ? onConfigured(POSTGRES_URL, name) : onPglite(name, { tables })
}

async function onConfigured(server: string, name: string): Promise<ScratchDatabase> {
  await onPostgres(server, `CREATE DATABASE "${name}"`)
  const url = new URL(server)
  url.pathname = name
  return database(url, name, async roles => {
    await onPostgres(server, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
    for (const role of roles) await onPostgres(server, `DROP ROLE IF EXISTS "${role}"`)
  })
}

async function onPglite(name: string, content: { tables: boolean }): Promise<ScratchDatabase> {
  const server = await takePglite(content)
  server.rename(name)
  const url = new URL(`postgres://postgres@127.0.0.1:${server.port}/${name}`)
  return database(url, name, () => givePgliteBack(server))
}

/** A handle on a database; `name` is what its roles begin with. */
export function database(url: URL, name: string, drop: (roles: string[]) => Promise<void>): ScratchDatabase {
  const pool = new pg.Pool({ connectionString: url.href, max: 1, allowExitOnIdle: true })
  // A proxy or a test may cut its connection; the next query opens another.
  pool.on('error', () => {})
  const roles: string[] = []
  return {
    url: url.href,
    query: async (sql, params = []) => (await pool.query(sql, [...params])).rows,
    async createRole() {
      const role = `${name}_${roles.length}`
      await pool.query(`CREATE ROLE "${role}" LOGIN`)
      roles.push(role)
      const theirs = new URL(url)
      theirs.username = role
      return { role, url: theirs.href }
    },
    async drop() {
      await pool.end()
      await drop(roles)
    },
  }
}

/** A new KV version 2 mount: on the configured OpenBao, or on a server in this process that behaves like it. */
export async function scratchVault(): Promise<ScratchVault> {
  const server = VAULT ?? (await workersVault())
  return vaultOn(server, `dsctl-test-${inject('run')}-${shortId()}`)
}

let kv: ReturnType<typeof kvServer> | undefined

function workersVault(): ReturnType<typeof kvServer> {
  kv ??= kvServer()
  return kv
}

function shortId(): string {
  return randomUUID().slice(0, 8)
}
