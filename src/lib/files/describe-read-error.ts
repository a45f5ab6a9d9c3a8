import { NOT_REGULAR } from './read-regular-file.ts'

/** Why a file could not be read, in words that go on after its name. */
export function describeReadError(error: unknown): string {
  const code = String((error as { code?: unknown }).code)
  return REASONS[code] ?? `cannot be read (${code})`
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by you',
  EPERM: 'may not be read by you',
  EISDIR: 'is a folder',
  [NOT_REGULAR]: 'is no regular file',
  ELOOP: 'is a link that leads nowhere',
  ENAMETOOLONG: 'is no name of a file: it is too long',
}
