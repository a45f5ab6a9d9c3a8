import { userInfo } from 'node:os'
import { DsctlError, invalid } from '../domain/errors.ts'
import { once } from '../lib/once.ts'
import type { Backend } from '../ports/backend.ts'
import type { Backends } from './backends.ts'

export interface EmbeddedOptions {
  /** DSCTL_HOME, or the platform's folder for data. */
  readonly folder: string
  readonly user: string | undefined
  /** Of the user that runs dsctl; undefined on Windows. */
  readonly uid: number | undefined
  readonly backend: Backend
  readonly client: string
  readonly note: (text: string) => void
}

/** The stores without a server: PGlite and age files in one folder, locked while this process uses it. */
export function openEmbedded({ folder, user, uid, backend, client, note }: EmbeddedOptions): Backends {
  if (user !== undefined) throw notAnother()
  const closing: (() => Promise<void>)[] = []
  // Closing waits for what is still being opened: half opened, it would keep the program from ending.
  const opening: Promise<unknown>[] = []
  const opened = <T>(open: () => Promise<T>) =>
    once(() => {
      const promise = open()
      opening.push(promise)
      return promise
    })

  const home = opened(async () => {
    const { openHome } = await import('../embedded/home.ts')
    const { lockHome } = await import('../embedded/lock.ts')
    const locked = openHome(folder, uid)
    const onWait = () => note(`Waiting for another dsctl that is using ${folder}.`)
    closing.push(await lockHome(locked, { timeoutMs: backend.timeoutMs, onWait }))
    return locked
  })

  const database = opened(async () => {
    const [{ openPglite }, { prepareEmbedded }] = await Promise.all([
      import('../embedded/open-pglite.ts'),
      import('../embedded/prepare.ts'),
    ])
    const pglite = await openPglite(await home())
    closing.push(() => pglite.database.close())
    return prepareEmbedded(pglite, backend, localEmail(uid))
  })

  const secrets = once(async () => {
    const { ageSecrets } = await import('../embedded/secrets.ts')
    return ageSecrets(await home())
  })

  return {
    records: once(async () => {
      const [{ postgresRecords }, db] = await Promise.all([
        import('../postgres/records/postgres-records.ts'),
        database(),
      ])
      return postgresRecords(db, client)
    }),
    secrets,
    members: async () => {
      const [{ postgresMembers }, db] = await Promise.all([import('../postgres/members.ts'), database()])
      return postgresMembers(db, client)
    },
    templates: async () => {
      const [{ postgresTemplates }, db] = await Promise.all([import('../postgres/templates.ts'), database()])
      return postgresTemplates(db, client)
    },
    onboarding: async () => {
      const [{ postgresOnboarding }, db] = await Promise.all([import('../postgres/records/onboarding.ts'), database()])
      return postgresOnboarding(db, client)
    },
    auditTrail: async () => {
      const [{ postgresAuditTrail }, db] = await Promise.all([import('../postgres/audit-trail.ts'), database()])
      return postgresAuditTrail(db, client)
    },
    identity: async () => ({ email: localEmail(uid), source: 'operating system', ttl: undefined }),
    logins: async () => {
      throw invalid('The embedded profile has no Vault to log in to.', [], 'Name another: --profile NAME.')
    },
    health: async () => {
      const { postgresHealth } = await import('../postgres/health.ts')
      return { records: postgresHealth(await database(), client), secrets: await secrets() }
    },
    setup: async () => {
      const { postgresSetup } = await import('../postgres/schema/setup.ts')
      return postgresSetup(await database())
    },
    checkVault: async () => ({ missing: [] }),
    close: async () => {
      await Promise.allSettled(opening)
      // The database before its lock: the last opened is closed first.
      for (const close of closing.reverse()) await close()
    },
  }
}

function localEmail(uid: number | undefined): string {
  try {
    return `${userInfo().username}@localhost`
  } catch {
    return `uid-${uid}@localhost` // a user without an entry in the system's list, as in a container
  }
}

function notAnother(): DsctlError {
  return new DsctlError('forbidden', 'On the embedded profile the user is the operating system’s: --user is refused.', {
    hint: 'Leave out --user, and unset DSCTL_USER.',
  })
}
