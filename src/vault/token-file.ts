import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { invalid } from '../domain/errors.ts'

/** Writes a token where nobody else can read it; whoever reads the file meanwhile finds the old one or the new one. */
export function writeTokenFile(path: string, token: string): void {
  const unfinished = `${path}.${randomUUID()}`
  try {
    writeFileSync(unfinished, token, { mode: 0o600, flag: 'wx' })
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    const { code } = error as { code?: unknown }
    throw invalid(
      `The token cannot be kept in ${path} (${code}).`,
      [],
      'It is lost: set HOME to a folder that is yours.',
    )
  }
}
