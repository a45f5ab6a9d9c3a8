import { homedir } from 'node:os'
import { join } from 'node:path'
import { invalid } from '../../domain/errors.ts'
import { readRegularFile } from '../../lib/files/read-regular-file.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The parameters of one service in a connection service file: PGSERVICEFILE or ~/.pg_service.conf, then pg_service.conf
 * in PGSYSCONFDIR. Throws `invalid` if no file has the service.
 * Source: PostgreSQL documentation, "The Connection Service File".
 */
export function readServiceSection(name: string, env: Environment): Readonly<Record<string, string>> {
  const files = [
    env.PGSERVICEFILE || join(env.HOME || homedir(), '.pg_service.conf'),
    ...(env.PGSYSCONFDIR ? [join(env.PGSYSCONFDIR, 'pg_service.conf')] : []),
  ]
  for (const file of files) {
    const section = findSection(name, readIfPresent(file))
    if (section) return section
  }
  throw invalid(`Postgres service ${name} not found.`, [
    { field: 'PGSERVICE', message: `must be a section in ${files.join(' or ')}` },
  ])
}

function findSection(name: string, text: string): Readonly<Record<string, string>> | undefined {
  const lines = text.split(/\r?\n/).map(line => line.trim())
  const start = lines.indexOf(`[${name}]`)
  if (start < 0) return undefined
  const rest = lines.slice(start + 1)
  const end = rest.findIndex(line => line.startsWith('['))
  const pairs = rest.slice(0, end < 0 ? undefined : end).flatMap(line => {
    const [, key = '', value = ''] = /^([^#=\s][^=]*?)\s*=\s*(.*)$/.exec(line) ?? []
    return key ? [[key, value] as const] : []
  })
  return Object.fromEntries(pairs)
}

function readIfPresent(file: string): string {
  try {
    return readRegularFile(file)
  } catch {
    return ''
  }
}
