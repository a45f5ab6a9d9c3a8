import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { invalid } from '../domain/errors.ts'

/** Writes a token to a file that only the user can read. Atomic: a reader gets the old token or the new one. */
export function writeTokenFile(path: string, token: string): void {
  const temporary = `${path}.${randomUUID()}`
  try {
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
