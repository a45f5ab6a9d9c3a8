import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/**
 * The text of a file that is there to be read at once, such as settings, a token or certificates. Throws where it is a
 * pipe or a device: it may have no writer or no end, and to wait for one here would stop everything, signals too.
 */
export function readRegularFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() && !stats.isDirectory()) throw Object.assign(new Error(NOT_REGULAR), { code: NOT_REGULAR })
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** The code of the error that it throws then. */
export const NOT_REGULAR = 'ERR_NOT_REGULAR'
