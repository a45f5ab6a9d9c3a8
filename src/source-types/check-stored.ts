import type { FieldProblem } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import { checkRules } from './check-rules.ts'
import { normalizeCredentials } from './normalize.ts'
import { parseFields } from './parse-fields.ts'
import type { SourceType } from './source-type.ts'

/** Validates stored credentials. Keys that are not fields of the type are ignored. */
export function checkStored(type: SourceType, stored: Credentials): readonly FieldProblem[] {
  const normalized = normalizeCredentials(type, stored)
  const fields = Object.fromEntries(Object.entries(normalized).filter(([name]) => Object.hasOwn(type.fields, name)))
  return [...parseFields(type, fields, 'create').problems, ...checkRules(type, fields)]
}
