import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { platform } from 'node:os'
import { UnavailableError } from '../domain/errors.ts'
import type { EmbeddedHome } from './home.ts'

export interface LockOptions {
  readonly timeoutMs: number
  /** Called once, after waiting for one second. */
  readonly onWait: () => void
}

type Release = () => Promise<void>

/**
 * Locks the home for this process. PGlite has no lock, and two processes on one folder would lose data. Waits for
 * another process up to the timeout, then throws UnavailableError. The lock of a dead process does not count. Returns a
 * function that releases the lock.
 */
export async function lockHome(home: EmbeddedHome, options: LockOptions): Promise<Release> {
  const take = platform() === 'linux' ? trySocket : await folderLock()
  const began = performance.now()
  let notified = false
  for (;;) {
    const release = await take(home)
    if (release) return release
    const waited = performance.now() - began
    if (waited >= options.timeoutMs) throw inUseError(home, options)
    if (waited >= 1000 && !notified) {
      notified = true
      options.onWait()
    }
    await new Promise(resolve => setTimeout(resolve, 20 + 30 * Math.random()))
  }
}

/**
 * On Linux, the lock is a socket in the abstract namespace. Only one process can bind it, a stopped process keeps it,
 * and the kernel releases it when the process dies. It works within one machine or container, not across them.
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

/**
 * Elsewhere, the lock is a folder that its owner touches every two seconds. It expires ten seconds after the last
 * touch.
 */
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
  return new UnavailableError(
    'no',
    `Timed out after ${timeoutMs / 1000} seconds: another dsctl process is using ${folder}.`,
    {
      outcome: 'none',
      hint: 'Wait for it to finish, or pass a longer --timeout.',
    },
  )
}
