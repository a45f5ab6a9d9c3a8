import { userInfo } from 'node:os'
import { DsctlError, invalid } from '../domain/errors.ts'
import { once } from '../lib/once.ts'
import type { Backend } from '../ports/backend.ts'
import { type Backends, postgresBackends } from './backends.ts'

export interface EmbeddedOptions {
  /** DSCTL_HOME, or the platform's folder for data. */
  readonly folder: string
  readonly user: string | undefined
  /** Id of the user that runs dsctl; undefined on Windows. */
  readonly uid: number | undefined
  readonly backend: Backend
  readonly client: string
  readonly note: (text: string) => void
}

/** Opens the stores of the embedded profile: PGlite and age files in one folder, locked while this process uses it. */
export function openEmbedded({ folder, user, uid, backend, client, note }: EmbeddedOptions): Backends {
  if (user !== undefined) throw userNotSupported()
  const closing: (() => Promise<void>)[] = []
  // close() waits for these, because a store that is still being opened would keep the process from ending.
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

  const stores = opened(async () => {
    const [{ openPglite }, { prepareEmbedded }] = await Promise.all([
      import('../embedded/open-pglite.ts'),
      import('../embedded/prepare.ts'),
    ])
    const pglite = await openPglite(await home())
    closing.push(() => pglite.database.close())
    return prepareEmbedded(pglite, backend, { email: localEmail(uid), client })
  })

  const secrets = once(async () => {
    const { ageSecrets } = await import('../embedded/secrets.ts')
    return ageSecrets(await home())
  })

  return {
    ...postgresBackends(stores, secrets),
    secrets,
    identity: async () => ({ email: localEmail(uid), source: 'operating system', ttl: undefined }),
    logins: async () => {
      throw invalid('The embedded profile does not use Vault.', [], 'Pass --profile NAME to use another profile.')
    },
    checkVault: async () => ({ missing: [] }),
    close: async () => {
      await Promise.allSettled(opening)
      // In reverse order: the database closes before the lock is released.
      for (const close of closing.reverse()) await close()
    },
  }
}

function localEmail(uid: number | undefined): string {
  try {
    return `${userInfo().username}@localhost`
  } catch {
    return `uid-${uid}@localhost` // the system does not know the user, for example in a container
  }
}

function userNotSupported(): DsctlError {
  return new DsctlError(
    'forbidden',
    'The embedded profile always uses the operating system’s user, so --user is refused.',
    {
      hint: 'Leave out --user and unset DSCTL_USER.',
    },
  )
}
