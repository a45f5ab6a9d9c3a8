import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { platform } from 'node:os'
import { UnavailableError } from '../domain/errors.ts'
import type { EmbeddedHome } from './home.ts'

export interface LockOptions {
  readonly timeoutMs: number
  /** Called once, when waiting has taken a second. */
  readonly onWait: () => void
}

type Release = () => Promise<void>

/**
 * Keeps the home for this process alone: PGlite has no lock of its own, and two processes on one folder lose rows.
 * Waits for another up to the time-out, then throws UnavailableError. A dead one's lock is free.
 */
export async function lockHome(home: EmbeddedHome, options: LockOptions): Promise<Release> {
  const take = platform() === 'linux' ? trySocket : await folderLock()
  const began = performance.now()
  let told = false
  for (;;) {
    const release = await take(home)
    if (release) return release
    const waited = performance.now() - began
    if (waited >= options.timeoutMs) throw inUseError(home, options)
    if (waited >= 1000 && !told) {
      told = true
      options.onWait()
    }
    await new Promise(resolve => setTimeout(resolve, 20 + 30 * Math.random()))
  }
}

/**
 * On Linux, a socket in the abstract namespace: the kernel gives it to one process, keeps it for one that is stopped,
 * and frees it with one that dies, however it dies. It excludes within one machine (and one container), not across.
 */
async function trySocket({ folder }: EmbeddedHome): Promise<Release | undefined> {
  const { dev, ino } = statSync(folder)
  const name = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)
  const server = createServer(socket => socket.destroy())
  const taken = await new Promise<boolean>((resolve, reject) => {
    server.once('error', error =>
      (error as { code?: unknown }).code === 'EADDRINUSE' ? resolve(false) : reject(error),
    )
    server.listen(`\0dsctl-${name}`, () => resolve(true))
  })
  if (!taken) return undefined
  server.unref()
  return () => new Promise(resolve => server.close(() => resolve()))
}

/** Elsewhere, a lock folder that its holder touches now and then; a dead one's is taken over after ten seconds. */
async function folderLock(): Promise<(home: EmbeddedHome) => Promise<Release | undefined>> {
  const { default: lockfile } = await import('proper-lockfile')
  return async ({ folder }) => {
    try {
      return await lockfile.lock(folder, { stale: 10_000, update: 2_000 })
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ELOCKED') return undefined
      throw error
    }
  }
}

function inUseError({ folder }: EmbeddedHome, { timeoutMs }: LockOptions): UnavailableError {
  return new UnavailableError('no', `Another dsctl has been using ${folder} for ${timeoutMs / 1000} seconds.`, {
    outcome: 'none',
    hint: 'Let it finish, or wait longer with --timeout SECONDS.',
  })
}
