import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Creates a folder and its parents, with access only for the owner. Throws the same errors as mkdir. It does not use
 * Node's `recursive` option, which never returns on a file system that cannot create folders, such as /proc.
 */
export function makeFolders(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'ENOENT' && dirname(path) !== path && !exists(dirname(path))) {
      makeFolders(dirname(path))
      mkdirSync(path, { mode: 0o700 })
    } else if (code !== 'EEXIST' && !exists(path)) throw error
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
