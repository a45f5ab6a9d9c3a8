import { LIBPQ_PARAMETERS, type LibpqParameter } from './libpq-parameters.ts'

export function findLibpqParameter(name: string): LibpqParameter | undefined {
  return LIBPQ_PARAMETERS.find(parameter => parameter.name === name)
}

/**
 * The problem with a parameter's value, to print after the parameter's name; undefined if dsctl accepts it. Never
 * quotes the value, which may be part of a password.
 */
export function libpqParameterProblem(parameter: LibpqParameter, value: string): string | undefined {
  const { name, support, allowed, why, perHost, socketsOnly } = parameter
  if (perHost && value.includes(',')) return 'must name one host: dsctl does not support several'
  if (value.includes('\0')) return 'must not contain a NUL character'
  if (socketsOnly) return undefined
  const isAllowed = allowed?.some(each => each === value || (isVersion(name) && matchesIgnoringCase(each, value)))
  if (isAllowed || (!allowed && support !== 'rejected')) return undefined
  const problem = allowed ? `must be ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}` : 'is not supported'
  const single = allowed?.length === 1 ? `must be ${allowed[0]}` : problem
  return why === undefined ? single : `${single}: ${why}`
}

// Only for these parameters, libpq ignores the case of the value.
function isVersion(name: string): boolean {
  return /^ssl_(min|max)_protocol_version$/.test(name)
}

function matchesIgnoringCase(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
