import { type DsctlError, invalid } from '../domain/errors.ts'
import { LOCATING_VARIABLES } from '../domain/libpq-parameters.ts'
import { Secret } from '../domain/secret.ts'
import { isLoopback } from '../lib/loopback.ts'
import type { LoginRequest } from '../ports/logins.ts'
import { type ConnectionSettings, type Login, readConnectionSettings } from '../postgres/connection/settings.ts'
import type { Settings } from '../settings/settings.ts'
import { vaultAddressProblem, vaultSocket } from '../settings/vault-address.ts'
import { vaultHeaders } from '../settings/vault-headers.ts'
import { vaultProxies } from '../settings/vault-proxy.ts'
import { vaultRetries } from '../settings/vault-retries.ts'
import { vaultTls } from '../settings/vault-tls.ts'
import { tokenInEnvironment } from '../settings/vault-token.ts'
import { invalidVariable, vaultFlag } from '../settings/vault-variable.ts'
import type { VaultSettings } from '../vault/client.ts'
import type { TokenStore } from '../vault/login-and-logout.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * How to connect to Postgres. `login` overrides user and password. Throws `invalid` if it is not configured; the hint
 * says how to start.
 */
export function postgresConnection(settings: Settings, env: Environment, login?: Login): ConnectionSettings {
  const url = settings.get('database.url')
  if (url !== undefined || LOCATING_VARIABLES.some(name => env[name])) return readConnectionSettings(url, env, login)
  const ignored = env.DATABASE_URL ? ' DATABASE_URL is ignored, because it is not the URL of a Postgres database.' : ''
  throw notConfigured(`database.url is not set. It is the URL of the application’s Postgres.${ignored}`)
}

/** How to connect to Vault, without the token. Throws `invalid` if it is not configured. */
export function vaultServer(settings: Settings, env: Environment): Omit<VaultSettings, 'token'> {
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
  checkSkipVerify(addr, env)
  return {
    addr,
    namespace,
    socketPath: vaultSocket(addr),
    tls: vaultTls(settings, env),
    headers: vaultHeaders(env),
    proxyFor: vaultProxies(env),
    followRedirects: vaultFlag(env, 'DISABLE_REDIRECTS') === undefined,
    maxRetries: vaultRetries(env),
  }
}

/** Refuses to skip the verification of the certificate: anyone in between could then read the token and the secrets. */
function checkSkipVerify(addr: string, env: Environment): void {
  const variable = vaultFlag(env, 'SKIP_VERIFY')
  if (variable === undefined || isOwnMachine(addr)) return
  throw invalidVariable(
    variable,
    'is not supported, except for an address of this machine: Vault’s certificate must be verified',
    `Unset ${variable.name}, and set VAULT_CACERT to the file with the certificate of Vault’s authority.`,
  )
}

/**
 * A Vault token, or the AppRole to get one with. The environment overrides the token that an earlier login saved.
 * Undefined if there is none.
 */
export async function vaultCredentials(
  env: Environment,
  store: () => Promise<TokenStore>,
): Promise<{ token: string } | { appRole: LoginRequest } | undefined> {
  const fromEnvironment = tokenInEnvironment(env)
  if (fromEnvironment !== undefined) return { token: fromEnvironment }
  const { VAULT_ROLE_ID: name, VAULT_SECRET_ID: secret } = env
  if (name && secret) return { appRole: { method: 'approle', mount: 'approle', name, secret: new Secret(secret) } }
  const token = await (await store()).read()
  return token === undefined ? undefined : { token }
}

/** Whether the token would be sent unencrypted to another machine. */
export function isUnencryptedRemote(addr: string): boolean {
  return addr.startsWith('http:') && !isOwnMachine(addr)
}

function isOwnMachine(addr: string): boolean {
  return vaultSocket(addr) !== undefined || isLoopback(new URL(addr).hostname)
}

function notConfigured(message: string): DsctlError {
  return invalid(
    message,
    [],
    `To use servers, run dsctl init --database-url URL --vault-addr URL, or set DATABASE_URL and VAULT_ADDR.
To try dsctl without a server, add --profile embedded to any command.`,
  )
}
