import { join } from 'node:path'
import { type DsctlError, invalid, safeKey } from '../../domain/errors.ts'
import { describeReadError } from '../../lib/files/describe-read-error.ts'
import { readRegularFile } from '../../lib/files/read-regular-file.ts'
import { type Environment, homeFiles } from './home-files.ts'

/**
 * The parameters of one service in a connection service file: `file`, PGSERVICEFILE or ~/.pg_service.conf, then
 * pg_service.conf in PGSYSCONFDIR. Of a parameter that is repeated, the first one applies. Throws `invalid` if no file
 * has the service, or if the section has a line that libpq does not read either.
 * Source: PostgreSQL documentation, "The Connection Service File".
 */
export function readServiceSection(
  name: string,
  file: string | undefined,
  env: Environment,
): Readonly<Record<string, string>> {
  const named = file || env.PGSERVICEFILE
  const files = [
    named || homeFiles(env).serviceFile,
    join(env.PGSYSCONFDIR || '/etc/postgresql-common', 'pg_service.conf'),
  ]
  for (const path of files) {
    const lines = findSection(name, readIfPresent(path, { mustExist: path === named }))
    if (lines) return parseLines(lines, path)
  }
  throw invalid(`Postgres service ${name} not found.`, [
    { field: 'PGSERVICE', message: `must be a section in ${files.join(' or ')}` },
  ])
}

function findSection(name: string, text: string): readonly string[] | undefined {
  const lines = text.split('\n').map(line => line.trim())
  const start = lines.indexOf(`[${name}]`)
  if (start < 0) return undefined
  const rest = lines.slice(start + 1)
  const end = rest.findIndex(line => line.startsWith('['))
  return rest.slice(0, end < 0 ? undefined : end).filter(line => line !== '' && !line.startsWith('#'))
}

function parseLines(lines: readonly string[], path: string): Readonly<Record<string, string>> {
  const pairs = lines.map(line => {
    const [, key, value = ''] = /^([\w-]+)\s*=\s*(.*)$/.exec(line) ?? []
    if (key === undefined) throw unreadableLine(line, path)
    if (key === 'service' || key === 'servicefile') throw nestedService(key, path)
    return [key, value] as const
  })
  return Object.fromEntries(pairs.reverse())
}

function unreadableLine(line: string, path: string): DsctlError {
  const message = /^ldaps?:/i.test(line)
    ? 'dsctl does not look up services in LDAP; write the parameters into the file'
    : 'must be NAME=VALUE'
  return invalid(`A line of ${path} is not supported.`, [{ field: safeKey(line), message }])
}

function nestedService(key: string, path: string): DsctlError {
  return invalid(`A line of ${path} is not supported.`, [{ field: key, message: 'must not be in a service file' }])
}

function readIfPresent(path: string, { mustExist }: { mustExist: boolean }): string {
  try {
    return readRegularFile(path)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (!mustExist && (code === 'ENOENT' || code === 'ENOTDIR')) return ''
    throw invalid('The Postgres service file cannot be read.', [
      { field: 'PGSERVICEFILE', message: `${path} ${describeReadError(error)}` },
    ])
  }
}
