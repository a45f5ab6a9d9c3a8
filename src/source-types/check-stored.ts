import type { FieldProblem } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import { checkRules } from './check-rules.ts'
import { normalizeCredentials } from './normalize.ts'
import { parseFields } from './parse-fields.ts'
import type { SourceType } from './source-type.ts'

/** What is wrong with stored credentials: fields that are missing or not what they must be. Unknown keys may stand. */
export function checkStored(type: SourceType, stored: Credentials): readonly FieldProblem[] {
  const known = normalizeCredentials(type, stored)
  const fields = Object.fromEntries(Object.entries(known).filter(([name]) => Object.hasOwn(type.fields, name)))
  return [...parseFields(type, fields, 'create').problems, ...checkRules(type, fields)]
}
