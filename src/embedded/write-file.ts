import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { platform } from 'node:os'
import { dirname } from 'node:path'
import { homeFailure } from './home.ts'

/**
 * Writes a file of its owner's alone: whole or not at all, and on the disk when it returns. Throws `unavailable`, with
 * the file as it was.
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

/** Puts on the disk that a file has come or gone. */
export async function syncFolder(folder: string): Promise<void> {
  if (platform() === 'win32') return // a folder can't be opened there
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
