import { DsctlError, invalid } from '../domain/errors.ts'
import { Secret } from '../domain/secret.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readRegularFile } from '../lib/files/read-regular-file.ts'
import type { LoginRequest } from '../ports/logins.ts'
import { type ConnectionSettings, readConnectionSettings } from '../postgres/connection/settings.ts'
import type { Settings } from '../settings/settings.ts'
import { vaultAddressProblem } from '../settings/vault-address.ts'
import { tokenInEnvironment, tokenInFile, tokenPath, tokenSource } from '../settings/vault-token.ts'
import type { VaultSettings } from '../vault/client.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** How to reach Postgres. Throws `invalid`, saying how to start, where nothing says so. */
export function postgresConnection(settings: Settings, env: Environment): ConnectionSettings {
  const url = settings.get('database.url')
  if (url !== undefined || ['PGHOST', 'PGDATABASE', 'PGUSER', 'PGSERVICE'].some(name => env[name])) {
    return readConnectionSettings(url, env)
  }
  throw notConfigured('database.url is not set: it says where the application’s Postgres is.')
}

/** How to reach Vault. */
export function vaultServer(settings: Settings): Omit<VaultSettings, 'token'> {
  const addr = settings.get('vault.addr')
  if (addr === undefined) throw notConfigured('vault.addr is not set: it says where Vault is.')
  const problem = vaultAddressProblem(addr)
  if (problem) throw invalid('The Vault address cannot be used.', [{ field: 'vault.addr', message: problem }])
  const namespace = settings.get('vault.namespace')
  if (namespace !== undefined && !/^[\x21-\x7e]+$/.test(namespace)) {
    throw invalid('The Vault namespace cannot be used.', [
      { field: 'vault.namespace', message: 'must be letters, digits and / as in team-a/project' },
    ])
  }
  return { addr, namespace, caCert: certificate(settings.get('vault.caCert')) }
}

/**
 * A Vault token, or the AppRole to get one with, as a pipeline has it: what the environment says goes before the file
 * of an earlier login. Throws `unauthenticated` where there is neither.
 */
export function vaultCredentials(env: Environment): { token: string } | { appRole: LoginRequest } {
  const { VAULT_ROLE_ID: name = '', VAULT_SECRET_ID: secret = '' } = env
  if (tokenSource(env) === 'VAULT_ROLE_ID') {
    return { appRole: { method: 'approle', mount: 'approle', name, secret: new Secret(secret) } }
  }
  const token = tokenInEnvironment(env) ?? tokenInFile(env)
  if (token !== undefined) return { token }
  throw new DsctlError('unauthenticated', 'There is no Vault token.', {
    hint: 'Log in (dsctl login, or vault login), or set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID.',
  })
}

/** The token of the last login, and the file that it is in. */
export function savedToken(env: Environment): { path: string; read: () => string | undefined } {
  return { path: tokenPath(env), read: () => tokenInFile(env) }
}

/** Whether the token would travel in the clear to another machine. */
export function isUnencryptedRemote(addr: string): boolean {
  const { protocol, hostname } = new URL(addr)
  return protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}

function notConfigured(message: string): DsctlError {
  return invalid(
    message,
    [],
    `To start on servers: dsctl init --database-url URL --vault-addr URL, or set DATABASE_URL and VAULT_ADDR.
To try it without a server: add --profile embedded to any command.`,
  )
}

function certificate(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readRegularFile(path)
  } catch (error) {
    throw invalid('The certificate of Vault’s authority cannot be read.', [
      { field: 'vault.caCert', message: `${path} ${describeReadError(error)}` },
    ])
  }
}
