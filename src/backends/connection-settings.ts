import { DsctlError, invalid } from '../domain/errors.ts'
import { LOCATING_VARIABLES } from '../domain/libpq-parameters.ts'
import { Secret } from '../domain/secret.ts'
import { caCertificatesProblem } from '../lib/ca-certificates.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readRegularFile } from '../lib/files/read-regular-file.ts'
import type { LoginRequest } from '../ports/logins.ts'
import { type ConnectionSettings, type Login, readConnectionSettings } from '../postgres/connection/settings.ts'
import type { Settings } from '../settings/settings.ts'
import { vaultAddressProblem } from '../settings/vault-address.ts'
import { tokenInEnvironment, tokenInFile, tokenPath, tokenSource } from '../settings/vault-token.ts'
import type { VaultSettings } from '../vault/client.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * How to connect to Postgres. `login` overrides user and password. Throws `invalid` if it is not configured; the hint
 * says how to start.
 */
export function postgresConnection(settings: Settings, env: Environment, login?: Login): ConnectionSettings {
  const url = settings.get('database.url')
  if (url !== undefined || LOCATING_VARIABLES.some(name => env[name])) return readConnectionSettings(url, env, login)
  const ignored = env.DATABASE_URL ? ' DATABASE_URL is ignored, because it is not the URL of a Postgres.' : ''
  throw notConfigured(`database.url is not set. It is the URL of the application’s Postgres.${ignored}`)
}

/** How to connect to Vault, without the token. Throws `invalid` if it is not configured. */
export function vaultServer(settings: Settings): Omit<VaultSettings, 'token'> {
  const addr = settings.get('vault.addr')
  if (addr === undefined) throw notConfigured('vault.addr is not set. It is the address of Vault.')
  const problem = vaultAddressProblem(addr)
  if (problem) throw invalid('Invalid Vault address.', [{ field: 'vault.addr', message: problem }])
  const namespace = settings.get('vault.namespace')
  if (namespace !== undefined && !/^[\x21-\x7e]+$/.test(namespace)) {
    throw invalid('Invalid Vault namespace.', [
      { field: 'vault.namespace', message: 'must be printable ASCII without spaces, for example team-a/project' },
    ])
  }
  return { addr, namespace, caCert: certificate(settings.get('vault.caCert')) }
}

/**
 * A Vault token, or the AppRole to get one with. The environment overrides the token that an earlier login saved.
 * Throws `unauthenticated` if there is none.
 */
export function vaultCredentials(env: Environment): { token: string } | { appRole: LoginRequest } {
  const { VAULT_ROLE_ID: name = '', VAULT_SECRET_ID: secret = '' } = env
  if (tokenSource(env) === 'VAULT_ROLE_ID') {
    return { appRole: { method: 'approle', mount: 'approle', name, secret: new Secret(secret) } }
  }
  const token = tokenInEnvironment(env) ?? tokenInFile(env)
  if (token !== undefined) return { token }
  throw new DsctlError('unauthenticated', 'No Vault token found.', {
    hint: 'Run dsctl login or vault login, or set VAULT_TOKEN, or set VAULT_ROLE_ID and VAULT_SECRET_ID.',
  })
}

/** The token that the last login saved, and its file. */
export function savedToken(env: Environment): { path: string; read: () => string | undefined } {
  return { path: tokenPath(env), read: () => tokenInFile(env) }
}

/** Whether the token would be sent unencrypted to another machine. */
export function isUnencryptedRemote(addr: string): boolean {
  const { protocol, hostname } = new URL(addr)
  return protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}

function notConfigured(message: string): DsctlError {
  return invalid(
    message,
    [],
    `To use servers, run dsctl init --database-url URL --vault-addr URL, or set DATABASE_URL and VAULT_ADDR.
To try dsctl without a server, add --profile embedded to any command.`,
  )
}

function certificate(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  const problem = (text: string) =>
    invalid('Cannot read Vault’s CA certificate.', [{ field: 'vault.caCert', message: `${path} ${text}` }])
  const text = readCertificate(path, problem)
  const invalidText = caCertificatesProblem(text)
  if (invalidText !== undefined) throw problem(invalidText)
  return text
}

function readCertificate(path: string, problem: (text: string) => DsctlError): string {
  try {
    return readRegularFile(path)
  } catch (error) {
    throw problem(describeReadError(error))
  }
}
