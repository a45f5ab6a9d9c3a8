import { randomUUID } from 'node:crypto'
import { readlinkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { invalid } from '../domain/errors.ts'

/**
 * Writes a token to a file that only the user can read. Atomic: a reader gets the old token or the new one. If the file
 * is a symbolic link, its target is replaced, and the link stays.
 */
export function writeTokenFile(link: string, token: string): void {
  const path = targetOf(link)
  const temporary = `${path}.${randomUUID()}`
  try {
    if (isSpecial(path)) throw Object.assign(new Error(), { code: 'not a regular file' })
    writeFileSync(temporary, token, { mode: 0o600, flag: 'wx' })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    const { code } = error as { code?: unknown }
    throw invalid(
      `The token cannot be saved to ${path} (${code}).`,
      [],
      'The token is lost. Set HOME to a folder that you can write to, and log in again.',
    )
  }
}

/** Removes the token. If the file is a symbolic link, its target is removed, and the link stays. */
export function removeTokenFile(link: string): void {
  rmSync(targetOf(link), { force: true })
}

/** Whether the path exists but is not a regular file, for example /dev/null. As root, saving would replace it. */
function isSpecial(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && !stats.isFile()
}

/** The file that a symbolic link leads to, even if it does not exist yet. */
function targetOf(path: string, depth = 0): string {
  if (depth > MAX_LINKS) return path
  try {
    return targetOf(resolve(dirname(path), readlinkSync(path)), depth + 1)
  } catch {
    return path // no link, or no file
  }
}

/** As many as Linux follows. */
const MAX_LINKS = 40
