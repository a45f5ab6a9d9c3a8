import type { FieldProblem } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import { checkWhole } from './complete.ts'
import type { SourceType } from './define.ts'
import { readFields } from './read-fields.ts'
import { normalised } from './stored.ts'

/** What is wrong with stored credentials: fields that are missing or not what they must be. Unknown keys may stand. */
export function checkStored(type: SourceType, stored: Credentials): readonly FieldProblem[] {
  const known = normalised(type, stored)
  const fields = Object.fromEntries(Object.entries(known).filter(([name]) => Object.hasOwn(type.fields, name)))
  return [...readFields(type, fields, 'create').problems, ...checkWhole(type, fields)]
}
