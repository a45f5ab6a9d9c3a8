import { type DsctlError, ERROR_CODES, type FieldProblem } from '../../domain/errors.ts'

/** Why an item failed, with the same keys as the error of a command. */
export interface ItemError {
  readonly code: string
  readonly exit_code: number
  readonly message: string
  readonly hint: string | undefined
  readonly outcome: string | undefined
  readonly fields: readonly FieldProblem[] | undefined
}

/** Converts an error for the result of an item. */
export function itemError({ code, message, details }: DsctlError): ItemError {
  const { hint, fields } = details
  const outcome = details.outcome ?? (code === 'unavailable' ? 'none' : undefined)
  return { code, exit_code: ERROR_CODES[code].exit, message, hint, outcome, fields }
}
