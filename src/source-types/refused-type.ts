import { type DsctlError, type FieldProblem, invalid } from '../domain/errors.ts'

/** The error for a type that the application's database does not accept. */
export function typeRefusedError(type: string, accepted: readonly string[]): DsctlError {
  return invalid(
    `The application’s database does not accept the type ${type}.`,
    [typeProblem(type, accepted)],
    TYPE_HINT,
  )
}

/** The problem with the field `type` of a request whose type is not accepted. */
export function typeProblem(type: string, accepted: readonly string[]): FieldProblem {
  return { field: 'type', message: `is ${type}, but the application’s database accepts only ${accepted.join(', ')}` }
}

export const TYPE_HINT = 'The owner of the database can add a type: ALTER TYPE … ADD VALUE …'
