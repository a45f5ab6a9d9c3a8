import { findLibpqParameter, libpqParameterProblem } from './check-libpq-parameter.ts'
import { DsctlError, type FieldProblem, invalid, safeKey } from './errors.ts'
import { LIBPQ_PARAMETERS } from './libpq-parameters.ts'

/** Connection parameters, named as in libpq. A parameter that is empty counts as not set. */
export type DatabaseParameters = Readonly<Record<string, string | undefined>>

/**
 * The connection parameters in a database URL, parsed as by libpq: the host may be empty, an IPv6 address in brackets
 * or a percent-encoded path, and a parameter overrides what comes before the `?`. Throws `invalid`; the error never
 * contains a value of the URL. Source: PostgreSQL documentation, "Connection URIs".
 */
export function parseDatabaseUrl(url: string): DatabaseParameters {
  const text = url.trim()
  const { rest, user, password } = splitLogin(text)
  const [, host = '', port = '', path = '', query = ''] = ADDRESS.exec(rest) ?? throwNotUrl()
  const given = { host: unbracket(host), port, user, password, dbname: path }
  const inUrl = Object.entries(given).map(([name, value]) => [name, decode(value)] as const)
  const pairs = [...inUrl, ...parseQuery(query)].filter(([, value]) => value !== '')
  const all: Record<string, string> = Object.fromEntries(pairs)
  const problems = Object.entries(all).flatMap(([name, value]) => findProblems(name, value))
  if (problems.length) throw invalid('The database URL contains parameters that dsctl does not accept.', problems)
  return all
}

const LOGIN = /^postgres(?:ql)?:\/\/(?:([^/?#@:]*)(?::([^/?#@]*))?@)?([^@]*)$/is
const ADDRESS = /^(\[[^\]/?]*\]|[^:/?[\]]*)(?::([^/?]*))?(?:\/([^?]*))?(?:\?(.*))?$/s

function splitLogin(text: string) {
  if (/^postgres(ql)?:\/\/[^/?#]*[/?#].*@/is.test(text)) {
    throw invalid('The database URL has an @ after its host.', [
      {
        field: 'database.url',
        message: 'write /, ?, # and @ in a user, password or database name as %2F, %3F, %23, %40',
      },
    ])
  }
  if (/^postgres(ql)?:\/\/.*#/is.test(text)) {
    throw invalid('The database URL contains a #. Other programs ignore the text after it.', [
      { field: 'database.url', message: 'write # in a user, password or database name as %23' },
    ])
  }
  const [, user = '', password = '', rest = ''] = LOGIN.exec(text) ?? throwNotUrl()
  return { user, password, rest }
}

function throwNotUrl(): never {
  throw invalid('Invalid database URL.', [
    { field: 'database.url', message: 'must look like postgres://user@host:5432/database' },
  ])
}

function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

/** The parameters after the `?`. If a parameter is repeated, the last value applies, as in libpq. */
function parseQuery(query: string): (readonly [string, string])[] {
  const pairs = query.split('&').filter(pair => pair !== '')
  return pairs.map(pair => {
    if (!pair.includes('=')) throw invalid('Invalid database URL.', [{ field: safeKey(pair), message: NO_VALUE }])
    const [name = '', value = ''] = pair.split(/=(.*)/s).map(decode)
    // The name that JDBC uses. libpq accepts it too.
    return name === 'ssl' && value === 'true' ? (['sslmode', 'require'] as const) : ([name, value] as const)
  })
}

const NO_VALUE = 'is not supported without a value; write NAME=VALUE'

function findProblems(name: string, value: string): FieldProblem[] {
  const parameter = findLibpqParameter(name)
  if (!parameter) return [{ field: safeKey(name), message: `is not supported; use ${USABLE.join(', ')}` }]
  const problem = libpqParameterProblem(parameter, value)
  return problem === undefined ? [] : [{ field: name, message: problem }]
}

const USABLE = LIBPQ_PARAMETERS.filter(({ support }) => support === 'used').map(({ name }) => name)

/** Whether a string is the URL of another kind of database: `mysql://…`, `sqlite:…` or `postgresql+asyncpg://…`. */
export function isUrlOfOtherScheme(text: string): boolean {
  const [, scheme] =
    /^\s*((?:[a-z][a-z0-9+.-]*)(?=:\/\/)|jdbc|file|sqlite3?|sqlserver|mongodb|redis)(?=:)/i.exec(text) ?? []
  return scheme !== undefined && !/^postgres(ql)?$/i.test(scheme)
}

/** The problem with a text that is not a database URL, otherwise undefined. Never contains a value of the URL. */
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

/** Whether a database URL contains a password or another secret, or may contain one. */
export function hasSecretInUrl(text: string): boolean {
  const [, login = ''] = /^[^/]*\/\/(.*)@/s.exec(text) ?? []
  const isUrl = /^[a-z][\w+.-]*:\/\//i.test(text)
  if (!isUrl) return /:[^/@]*@/.test(text)
  // A / or ? in the login comes from a password that is not escaped.
  return /:.|[/?#]/s.test(login) || hasSecretParameter(text)
}

/** Whether the part after the `?` names a parameter that is a secret. */
export function hasSecretParameter(url: string): boolean {
  const pairs = (/\?(.*)/s.exec(url)?.[1] ?? '').split('&')
  return pairs.some(pair => findLibpqParameter(decodeName(pair))?.secret)
}

function decodeName(pair: string): string {
  try {
    return decodeURIComponent(pair.replace(/=.*/s, ''))
  } catch {
    return ''
  }
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
