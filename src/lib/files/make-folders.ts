import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it, the new ones their owner's alone. Throws as mkdir does. Node's own `recursive`
 * never returns where a file system makes nothing, such as /proc.
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
