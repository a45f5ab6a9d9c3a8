import { once } from '../lib/once.ts'
import type { Backend } from '../ports/backend.ts'
import type { Settings } from '../settings/settings.ts'
import { vaultLocation } from '../settings/vault-location.ts'
import { tokenSource } from '../settings/vault-token.ts'
import type { Backends } from './backends.ts'
import {
  isUnencryptedRemote,
  postgresConnection,
  savedToken,
  vaultCredentials,
  vaultServer,
} from './connection-settings.ts'

export interface ServersOptions {
  readonly settings: Settings
  readonly env: Readonly<Record<string, string | undefined>>
  readonly backend: Backend
  /** Names this process in the audit trail. */
  readonly client: string
  readonly warn: (text: string) => void
}

/** The stores on servers: Postgres and Vault, each driver imported when it is used. */
export function openServers({ settings, env, backend, client, warn }: ServersOptions): Backends {
  const closing: (() => Promise<void>)[] = []
  let closed = false

  const server = once(() => {
    const found = vaultServer(settings)
    if (isUnencryptedRemote(found.addr)) warn('vault.addr is plain http: the token and secrets travel in the clear.')
    return found
  })

  const connect = async (token: string) => {
    const settings = { ...server(), token }
    const { vaultClient } = await import('../vault/client.ts')
    const opened = vaultClient(settings, backend)
    closing.push(async () => opened.close())
    return opened
  }

  const vault = once(async () => {
    server()
    const credentials = vaultCredentials(env)
    if ('token' in credentials) return connect(credentials.token)
    const { logIn, revokeOwnToken } = await import('../vault/login.ts')
    const { token } = await logIn(connect, credentials.appRole)
    const client = await connect(token)
    closing.push(async () => void (await revokeOwnToken(client)))
    return client
  })

  const leased = async (role: string) => {
    const [client, engine] = await Promise.all([vault(), import('../vault/database-credentials.ts')])
    const { user, password, id } = await engine.issueDatabaseCredentials(client, role)
    closing.push(async () => {
      if (await engine.revokeLease(client, id)) return
      warn('The Vault token may not end the lease of the database credentials: they stay valid until it is over.')
    })
    return { user, password }
  }

  // pg alone comes first: the rest is loaded while it connects.
  const pool = once(async () => {
    const role = settings.get('database.vaultRole')
    const issued = role === undefined ? {} : await leased(role)
    const connection = { ...postgresConnection(settings, env), ...issued }
    const { postgresPool } = await import('../postgres/connection/pool.ts')
    // Whoever was waiting for it has failed for another reason: a pool opened now would keep the program from ending.
    if (closed) throw new Error('The stores are closed.')
    const opened = postgresPool(connection, backend)
    closing.push(() => opened.end()) // Kysely would not end a pool that it has never used
    return opened
  })

  const database = once(async () => {
    const opened = await pool()
    const { openDatabase } = await import('../postgres/connection/database.ts')
    return openDatabase(opened)
  })

  const secrets = once(async () => {
    const { vaultSecrets } = await import('../vault/secrets.ts')
    return vaultSecrets({ client: await vault(), ...vaultLocation(settings) })
  })

  return {
    records: once(async () => {
      const db = await database()
      const { postgresRecords } = await import('../postgres/records/postgres-records.ts')
      return postgresRecords(db, client)
    }),
    secrets,
    members: async () => {
      const db = await database()
      const { postgresMembers } = await import('../postgres/members.ts')
      return postgresMembers(db, client)
    },
    templates: async () => {
      const db = await database()
      const { postgresTemplates } = await import('../postgres/templates.ts')
      return postgresTemplates(db, client)
    },
    onboarding: async () => {
      const db = await database()
      const { postgresOnboarding } = await import('../postgres/records/onboarding.ts')
      return postgresOnboarding(db, client)
    },
    auditTrail: async () => {
      const db = await database()
      const { postgresAuditTrail } = await import('../postgres/audit-trail.ts')
      return postgresAuditTrail(db, client)
    },
    logins: async () => {
      const { vaultLogins } = await import('../vault/login-and-logout.ts')
      return vaultLogins(connect, savedToken(env))
    },
    identity: once(async () => {
      const { vaultIdentity } = await import('../vault/identity.ts')
      return vaultIdentity(await vault(), settings.get('user'), tokenSource(env))
    }),
    health: async () => {
      const { postgresHealth } = await import('../postgres/health.ts')
      return { records: postgresHealth(await database(), client), secrets: await secrets() }
    },
    setup: async () => {
      const { postgresSetup } = await import('../postgres/schema/setup.ts')
      return postgresSetup(await database())
    },
    checkVault: async organizationId => {
      const { checkVault } = await import('../vault/check-vault.ts')
      return checkVault(await vault(), { ...vaultLocation(settings), organizationId, tokenFrom: tokenSource(env) })
    },
    close: async () => {
      closed = true
      // The last opened first: a pool before the lease that it lives on, and that before the token.
      for (const close of closing.reverse()) await close().catch(() => {})
    },
  }
}
