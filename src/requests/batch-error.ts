import { DsctlError, type FieldProblem } from '../domain/errors.ts'

export const FIELDS_HINT = 'Run dsctl types TYPE to see the fields of a type.'

/** How many problems an error lists. */
const MAX_PROBLEMS = 50

/** The error of a batch that cannot be used, with the problems of all requests. */
export function batchError(code: 'invalid' | 'not_found', problems: readonly FieldProblem[], hint: string): DsctlError {
  const more = problems.length - MAX_PROBLEMS
  return new DsctlError(code, 'Invalid batch. Nothing was written.', {
    fields: problems.slice(0, MAX_PROBLEMS),
    hint: more > 0 ? `And ${more} more problems.` : hint,
  })
}

/** A problem of one request. Its field tells which request it is. */
export function problemIn(
  { where, name }: { where: string; name: unknown },
  { field, message }: FieldProblem,
): FieldProblem {
  return { field: `${where}${typeof name === 'string' ? ` (${name.slice(0, 80)})` : ''}, ${field}`, message }
}
