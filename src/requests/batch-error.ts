import { DsctlError, type FieldProblem } from '../domain/errors.ts'

export const FIELDS_HINT = 'Run dsctl types TYPE to see the fields of a type.'

/** The error of a batch that cannot be used, with the problems of all requests. */
export function batchError(code: 'invalid' | 'not_found', problems: readonly FieldProblem[], hint: string): DsctlError {
  return new DsctlError(code, 'Invalid batch. Nothing was written.', { fields: problems, hint })
}

/** Adds to a problem which request of the batch has it. */
export function problemIn({ where, name }: { where: string; name: unknown }, problem: FieldProblem): FieldProblem {
  return { ...problem, item: `${where}${typeof name === 'string' ? ` (${name.slice(0, 80)})` : ''}` }
}
