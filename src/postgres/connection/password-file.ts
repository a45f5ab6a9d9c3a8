import { statSync } from 'node:fs'
import { platform } from 'node:os'
import { describeReadError } from '../../lib/files/describe-read-error.ts'
import { readRegularFile } from '../../lib/files/read-regular-file.ts'
import { isDefaultSocketFolder } from './home-files.ts'

export interface PasswordQuery {
  readonly passfile: string
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

/** The password, or the reason why there is none, to print after the file's name; undefined if there is no file. */
export type FoundPassword = { readonly password: string } | { readonly problem: string } | undefined

/**
 * Looks a password up in ~/.pgpass or the file that `passfile` names. As in libpq, a file that others can read is not
 * used. Source: PostgreSQL documentation, "The Password File".
 */
export function findPassword({ passfile, ...query }: PasswordQuery): FoundPassword {
  try {
    if (platform() !== 'win32' && (statSync(passfile).mode & 0o077) !== 0) {
      return { problem: `is not used, because others can read it; run chmod 600 ${passfile}` }
    }
    const entry = readRegularFile(passfile)
      .split(/\r?\n/)
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(splitFields)
      .find(fields => matches(fields, query))
    return entry
      ? { password: unescapeField(entry[4] ?? '') }
      : { problem: 'has no entry for this host, port, database and user' }
  } catch (error) {
    const { code } = error as { code?: unknown }
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : { problem: describeReadError(error) }
  }
}

/** Fields end at a colon without a backslash before it. */
function splitFields(line: string): readonly string[] {
  return line.match(/(?<=^|:)(?:\\.|[^:\\]|\\$)*(?=:|$)/g) ?? []
}

function matches(fields: readonly string[], { host, port, database, user }: Omit<PasswordQuery, 'passfile'>): boolean {
  const wanted = [isDefaultSocketFolder(host) ? 'localhost' : host, String(port), database, user]
  return fields.length >= 5 && wanted.every((text, i) => fields[i] === '*' || unescapeField(fields[i] ?? '') === text)
}

function unescapeField(field: string): string {
  return field.replace(/\\(.)/g, '$1')
}
