import { type DsctlError, ERROR_CODES, type FieldProblem } from '../../domain/errors.ts'

/** Why one of several failed: what the error of a command tells that does it alone. */
export interface ItemError {
  readonly code: string
  readonly exit_code: number
  readonly message: string
  readonly hint: string | undefined
  readonly outcome: string | undefined
  readonly fields: readonly FieldProblem[] | undefined
}

/** What is told of the error of one; the others go on. */
export function itemError({ code, message, details }: DsctlError): ItemError {
  const { hint, fields } = details
  const outcome = details.outcome ?? (code === 'unavailable' ? 'none' : undefined)
  return { code, exit_code: ERROR_CODES[code].exit, message, hint, outcome, fields }
}
