import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { isUtf16, withoutByteOrderMark } from './decode-text.ts'

/**
 * Reads a text file synchronously, without its byte-order mark: settings, a token or certificates. Throws NOT_REGULAR
 * for a pipe or a device: waiting for it would block the process, including its signal handlers. Throws UTF16 for a
 * file in UTF-16.
 */
export function readRegularFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() && !stats.isDirectory()) throw codedError(NOT_REGULAR)
    const bytes = readFileSync(fd)
    if (isUtf16(bytes)) throw codedError(UTF16)
    return withoutByteOrderMark(bytes.toString('utf8'))
  } finally {
    closeSync(fd)
  }
}

/** The code of the error for a pipe or a device. */
export const NOT_REGULAR = 'ERR_NOT_REGULAR'

/** The code of the error for a file in UTF-16. */
export const UTF16 = 'ERR_UTF16'

function codedError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
