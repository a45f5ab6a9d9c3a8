import type { ConnectionOptions } from 'node:tls'
import { type DatabaseParameters, parseDatabaseUrl } from '../../domain/database-url.ts'
import { invalid } from '../../domain/errors.ts'
import { readServiceSection } from './service-file.ts'
import { tlsOptions } from './tls.ts'

/** Fields for pg. What is undefined it takes from the PG* variables, the password also from ~/.pgpass. */
export interface ConnectionSettings {
  host?: string
  port?: number
  user?: string
  password?: string
  database?: string
  ssl?: boolean | ConnectionOptions
  /** Whether to go on without TLS where the server has none. */
  tlsOptional?: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * How to reach Postgres: what the URL says, then a service file's section (PGSERVICE), then the PG* variables, as
 * libpq has it. pg is given neither: it knows no service files, and reads sslmode differently from every other client.
 * Throws `invalid`, without the URL, where it is none.
 */
export function readConnectionSettings(url: string | undefined, env: Environment): ConnectionSettings {
  const given = url === undefined ? {} : parseDatabaseUrl(url)
  const service = given.service ?? (env.PGSERVICE || undefined)
  const all = service === undefined ? given : { ...readServiceSection(service, env), ...given }
  const { host, user, password, dbname } = all
  const port = all.port ?? (env.PGPORT || undefined)
  if (port !== undefined && !isPort(port)) throw invalidPort(portSource(given, all))
  const mode = all.sslmode ?? (env.PGSSLMODE || undefined)
  const rootCertificate = all.sslrootcert ?? (env.PGSSLROOTCERT || undefined)
  return {
    ...(host && { host }),
    ...(port && { port: Number(port) }),
    ...(user && { user }),
    ...(password && { password }),
    ...(dbname && { database: dbname }),
    ...tlsOptions({ mode, rootCertificate, host: host ?? env.PGHOST }),
  }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535
}

/** What the port is from. */
function portSource(given: DatabaseParameters, all: DatabaseParameters): string {
  if (given.port !== undefined) return 'database.url'
  return all.port === undefined ? 'PGPORT' : 'PGSERVICE'
}

function invalidPort(field: string) {
  return invalid('The port of Postgres cannot be used.', [
    { field, message: 'names no port: it must be a whole number from 1 to 65535' },
  ])
}

/** Where it is, for messages: never with a user or a password. */
export function describeTarget({ host, port, database }: ConnectionSettings): string {
  return `${host ?? 'the default host'}${port ? `:${port}` : ''}${database ? `/${database}` : ''}`
}
