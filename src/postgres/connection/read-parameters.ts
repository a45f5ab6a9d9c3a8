import { findLibpqParameter, libpqParameterProblem } from '../../domain/check-libpq-parameter.ts'
import { parseDatabaseUrl } from '../../domain/database-url.ts'
import { type FieldProblem, invalid, safeKey } from '../../domain/errors.ts'
import { LIBPQ_PARAMETERS } from '../../domain/libpq-parameters.ts'
import type { Environment } from './home-files.ts'
import { readServiceSection } from './service-file.ts'

/** A parameter's value, and the name to use for it in messages. */
interface Origin {
  readonly value: string
  readonly field: string
}

export interface Parameters {
  get(name: string): string | undefined
  /** The parameter as a problem's field: `PGPORT`, or `port (service app)`. */
  field(name: string): string
}

/**
 * All connection parameters, with the precedence of libpq: the URL, then the service file, then the PG* variables.
 * Throws `invalid`, without quoting a value, if dsctl does not accept one.
 */
export function readParameters(url: string | undefined, env: Environment): Parameters {
  const inUrl = url === undefined ? {} : parseDatabaseUrl(url)
  const service = inUrl.service ?? (env.PGSERVICE || undefined)
  const inService = service === undefined ? {} : readServiceSection(service, inUrl.servicefile, env)
  const all = new Map([
    ...origins(fromEnvironment(env), name => findLibpqParameter(name)?.env ?? name),
    ...origins(inService, name => `${safeKey(name)} (service ${service})`),
    ...origins(inUrl, name => (name === 'port' ? 'database.url' : name)),
  ])
  const problems = [...all].flatMap(([name, origin]) => findProblems(name, origin))
  if (problems.length) throw invalid('A connection parameter of Postgres is not valid.', problems)
  return { get: name => all.get(name)?.value, field: name => all.get(name)?.field ?? name }
}

function fromEnvironment(env: Environment): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(LIBPQ_PARAMETERS.map(({ name, env: variable }) => [name, variable && env[variable]]))
}

function origins(
  given: Readonly<Record<string, string | undefined>>,
  field: (name: string) => string,
): (readonly [string, Origin])[] {
  const set = Object.entries(given).flatMap(([name, value]) => (value ? [[name, value] as const] : []))
  const found = set.map(([name, value]) => [name, { value, field: field(name) }] as const)
  const requires = given.requiressl
  if (!requires || given.sslmode) return found
  // An older spelling. libpq replaces it too.
  const value = requires.startsWith('1') ? 'require' : 'prefer'
  return [...found, ['sslmode', { value, field: field('requiressl') }]]
}

function findProblems(name: string, { value, field }: Origin): FieldProblem[] {
  const parameter = findLibpqParameter(name)
  if (!parameter) return [{ field, message: 'is not a parameter of libpq' }]
  const message = libpqParameterProblem(parameter, value)
  return message === undefined ? [] : [{ field, message }]
}
