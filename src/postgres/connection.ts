import type { ConnectionOptions } from 'node:tls'
import { invalid } from '../errors.ts'
import { readService } from './service-file.ts'
import { tlsOf } from './tls.ts'

/** Fields for pg. What is undefined it takes from the PG* variables, the password also from ~/.pgpass. */
export interface Connection {
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

/** As libpq names them. */
type Parameters = Readonly<Record<string, string | undefined>>

const PARAMETERS = ['sslmode', 'sslrootcert', 'host', 'port', 'user', 'password', 'dbname', 'service']

/**
 * How to reach Postgres: what the URL says, then a service file's section (PGSERVICE), then the PG* variables, as
 * libpq has it. pg is given neither: it knows no service files, and reads sslmode differently from every other client.
 * Throws `invalid`, without the URL, where it is none.
 */
export function postgresConnectionOf(url: string | undefined, env: Environment): Connection {
  const given = url === undefined ? {} : parametersIn(url)
  const service = given.service ?? (env.PGSERVICE || undefined)
  const all = service === undefined ? given : { ...readService(service, env), ...given }
  const { host, port, user, password, dbname } = all
  const mode = all.sslmode ?? (env.PGSSLMODE || undefined)
  const rootCertificate = all.sslrootcert ?? (env.PGSSLROOTCERT || undefined)
  return {
    ...(host && { host }),
    ...(port && { port: Number(port) }),
    ...(user && { user }),
    ...(password && { password }),
    ...(dbname && { database: dbname }),
    ...tlsOf({ mode, rootCertificate, host: host ?? env.PGHOST }),
  }
}

function parametersIn(text: string): Parameters {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw invalid('The database URL cannot be used.', [
      { field: 'database.url', message: 'must look like postgres://user@host:5432/database' },
    ])
  }
  if (/^[^/]*\/\/[^/?#]*[/?#].*@/s.test(text)) {
    throw invalid('The database URL has an @ after its host.', [
      {
        field: 'database.url',
        message: 'write /, ?, # and @ in a user, password or database name as %2F, %3F, %23, %40',
      },
    ])
  }
  const unknown = [...url.searchParams.keys()].filter(key => !PARAMETERS.includes(key))
  if (unknown.length) {
    throw invalid('The database URL has parameters that dsctl does not know.', unknown.map(unknownParameter))
  }
  const inUrl = {
    host: decode(url.hostname.replace(/^\[|\]$/g, '')),
    port: url.port,
    user: decode(url.username),
    password: decode(url.password),
    dbname: decode(url.pathname.slice(1)),
  }
  return Object.fromEntries(
    PARAMETERS.flatMap(name => {
      const value = url.searchParams.get(name) ?? inUrl[name as keyof typeof inUrl]
      return value ? [[name, value]] : []
    }),
  )
}

/** Where it is, for messages: never with a user or a password. */
export function target({ host, port, database }: Connection): string {
  return `${host ?? 'the default host'}${port ? `:${port}` : ''}${database ? `/${database}` : ''}`
}

function unknownParameter(field: string) {
  return { field, message: `is not known here; known are ${PARAMETERS.join(', ')}` }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('The database URL holds a % that begins no escape.', [
      { field: 'database.url', message: 'write a % in a user, password or database name as %25' },
    ])
  }
}
