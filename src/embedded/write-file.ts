import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { platform } from 'node:os'
import { dirname } from 'node:path'
import { homeFailure } from './home.ts'

/**
 * Writes a file atomically, readable only by its owner, and syncs it to disk. On failure throws `unavailable` and
 * leaves the old file unchanged.
 */
export async function writeFileSafely(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw homeFailure(path, error)
  }
}

/** Syncs a folder, so that a created or removed file survives a crash. */
export async function syncFolder(folder: string): Promise<void> {
  if (platform() === 'win32') return // a folder cannot be opened on Windows
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
