import { UTF16_PROBLEM } from './decode-text.ts'
import { NOT_REGULAR, UTF16 } from './read-regular-file.ts'

/** Why a file could not be read, to print after its name: `does not exist`. */
export function describeReadError(error: unknown): string {
  const code = String((error as { code?: unknown }).code)
  return REASONS[code] ?? `cannot be read (${code})`
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'cannot be read with your permissions',
  EPERM: 'cannot be read with your permissions',
  EISDIR: 'is a folder',
  [NOT_REGULAR]: 'is not a regular file',
  [UTF16]: UTF16_PROBLEM,
  ELOOP: 'is in a loop of symbolic links',
  ENAMETOOLONG: 'has a name that is too long',
}
