import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/**
 * Reads a text file synchronously: settings, a token or certificates. Throws NOT_REGULAR for a pipe or a device, because
 * waiting for it would block the process, including its signal handlers.
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

/** The code of the error for a pipe or a device. */
export const NOT_REGULAR = 'ERR_NOT_REGULAR'
