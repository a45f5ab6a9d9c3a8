import { once } from '../lib/once.ts'
import type { Backend } from '../ports/backend.ts'
import type { Settings } from '../settings/settings.ts'
import { vaultLocation } from '../settings/vault-location.ts'
import { tokenSource } from '../settings/vault-token.ts'
import { checkVault } from '../vault/check-vault.ts'
import { vaultClient } from '../vault/client.ts'
import { issueDatabaseCredentials, revokeLease } from '../vault/database-credentials.ts'
import { vaultIdentity } from '../vault/identity.ts'
import { logIn, revokeIssuedToken } from '../vault/login.ts'
import { vaultLogins } from '../vault/login-and-logout.ts'
import { vaultSecrets } from '../vault/secrets.ts'
import { withoutToken } from '../vault/without-token.ts'
import { type Backends, postgresBackends } from './backends.ts'
import { isUnencryptedRemote, postgresConnection, vaultCredentials, vaultServer } from './connection-settings.ts'
import { tokenStore } from './token-store.ts'
import { explainUnreadableAnswers } from './unreadable-answers.ts'

export interface ServersOptions {
  readonly settings: Settings
  readonly env: Readonly<Record<string, string | undefined>>
  readonly backend: Backend
  /** Names this process in the audit trail. */
  readonly client: string
  readonly warn: (text: string) => void
}

/** Opens the stores on servers: Postgres and Vault, each at its first use. */
export function openServers({ settings, env, backend, client, warn }: ServersOptions): Backends {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    // Node's own warning is suppressed.
    warn('NODE_TLS_REJECT_UNAUTHORIZED is 0, so the certificates of servers are not verified. Unset it.')
  }
  const closing: (() => Promise<void>)[] = []
  let closed = false

  const server = once(() => {
    const found = vaultServer(settings, env)
    if (isUnencryptedRemote(found.addr)) warn('vault.addr is plain http: the token and secrets are sent unencrypted.')
    return found
  })

  const connect = async (token: string) => {
    const opened = vaultClient({ ...server(), token }, backend)
    closing.push(async () => opened.close())
    return opened
  }

  const vault = once(async () => {
    server()
    const credentials = await vaultCredentials(env, store)
    if (credentials === undefined) return withoutToken(await connect(''))
    if ('token' in credentials) return connect(credentials.token)
    const issued = await logIn(connect, credentials.appRole)
    const client = await connect(issued.token)
    closing.push(() => revokeIssuedToken(client, issued))
    return client
  })

  const store = () => tokenStore(env, { addr: server().addr, timeoutMs: backend.timeoutMs })

  const leaseCredentials = async (role: string) => {
    const client = await vault()
    const { user, password, id } = await issueDatabaseCredentials(client, role)
    closing.push(async () => {
      // An agent that caches leases gives the same credentials to other programs too.
      if (client.isCached() || (await revokeLease(client, id))) return
      warn('The Vault token is not allowed to revoke the database credentials. They stay valid until their lease ends.')
    })
    return { user, password }
  }

  const pool = once(async () => {
    const role = settings.get('database.vaultRole')
    const login = role === undefined ? undefined : await leaseCredentials(role)
    const connection = postgresConnection(settings, env, login)
    const { postgresPool } = await import('../postgres/connection/pool.ts')
    // The command has failed in the meantime and closed the stores. A new pool would keep the process from ending.
    if (closed) throw new Error('The stores are closed.')
    const opened = postgresPool(connection, backend)
    closing.push(() => opened.end()) // Kysely does not end a pool that it never used
    return opened
  })

  const stores = once(async () => {
    const opened = await pool()
    // Imported after the pool so that it loads while pg connects.
    const { postgresStores } = await import('../postgres/stores.ts')
    return explainUnreadableAnswers('Postgres', postgresStores(opened, client))
  })

  const secrets = once(async () =>
    explainUnreadableAnswers('Vault', vaultSecrets({ client: await vault(), ...vaultLocation(settings) })),
  )

  return {
    ...postgresBackends(stores, secrets),
    secrets,
    identity: once(async () => vaultIdentity(await vault(), settings.get('user'), tokenSource(env))),
    logins: async () => vaultLogins(connect, await store()),
    checkVault: async organizationId =>
      checkVault(await vault(), { ...vaultLocation(settings), organizationId, tokenFrom: tokenSource(env) }),
    close: async () => {
      closed = true
      // In reverse order: the pool closes before its lease is revoked, and the lease before the token.
      for (const close of closing.reverse()) await close().catch(() => {})
    },
  }
}
