import type { ConnectionOptions } from 'node:tls'
import { type DatabaseParameters, parseDatabaseUrl } from '../../domain/database-url.ts'
import { invalid } from '../../domain/errors.ts'
import { readServiceSection } from './service-file.ts'
import { postgresTlsOptions } from './tls.ts'

/** Connection options for pg. If an option is undefined, pg uses the PG* variables and, for the password, ~/.pgpass. */
export interface ConnectionSettings {
  host?: string
  port?: number
  user?: string
  password?: string
  database?: string
  ssl?: boolean | ConnectionOptions
  /** If true, connects without TLS to a server that does not support it. */
  tlsOptional?: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The connection settings, with the precedence of libpq: the URL, then the service file (PGSERVICE), then the PG*
 * variables. They are parsed here because pg does not support service files and interprets sslmode differently from
 * other clients. Throws `invalid`, without quoting the URL, if a setting is not valid.
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
    ...postgresTlsOptions({ mode, rootCertificate, host: host ?? env.PGHOST }),
  }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535
}

/** The setting that the port comes from. */
function portSource(given: DatabaseParameters, all: DatabaseParameters): string {
  if (given.port !== undefined) return 'database.url'
  return all.port === undefined ? 'PGPORT' : 'PGSERVICE'
}

function invalidPort(field: string) {
  return invalid('Invalid Postgres port.', [{ field, message: 'must be an integer from 1 to 65535' }])
}

/** Host, port and database for messages, without user and password. */
export function describeTarget({ host, port, database }: ConnectionSettings): string {
  return `${host ?? 'the default host'}${port ? `:${port}` : ''}${database ? `/${database}` : ''}`
}
