import { DsctlError, invalid, safeKey } from './errors.ts'

/** Connection parameters, named as in libpq. */
export type DatabaseParameters = Readonly<Record<string, string | undefined>>

const PARAMETERS = ['sslmode', 'sslrootcert', 'host', 'port', 'user', 'password', 'dbname', 'service']

/** The connection parameters in a database URL. Throws `invalid`; the error never contains the URL. */
export function parseDatabaseUrl(text: string): DatabaseParameters {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^postgres(ql)?:\/\//i.test(text)) {
    throw invalid('Invalid database URL.', [
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
  if (text.includes('#')) {
    throw invalid('The database URL contains a #. The text after it would be ignored.', [
      { field: 'database.url', message: 'write # in a user, password or database name as %23' },
    ])
  }
  const unknown = [...url.searchParams.keys()].filter(key => !PARAMETERS.includes(key))
  if (unknown.length) {
    throw invalid('The database URL contains unknown parameters.', unknown.map(unknownParameter))
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

/**
 * The problem with a string that is not a valid database URL, otherwise undefined. Never contains a value of the URL.
 */
export function databaseUrlProblem(text: string): string | undefined {
  try {
    parseDatabaseUrl(text)
    return undefined
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    const problems = error.details.fields ?? []
    return problems.map(({ field, message }) => (field === 'database.url' ? message : `${field} ${message}`)).join('; ')
  }
}

function unknownParameter(field: string) {
  return { field: safeKey(field), message: `is not supported; use ${PARAMETERS.join(', ')}` }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('The database URL contains a % that is not part of an escape such as %25.', [
      { field: 'database.url', message: 'write a % in a user, password or database name as %25' },
    ])
  }
}
