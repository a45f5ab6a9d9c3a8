import type { FieldProblem } from '../domain/errors.ts'
import { Secret } from '../domain/secret.ts'
import { findField } from './field-names.ts'
import { parseFields } from './parse-fields.ts'
import { redactValue } from './redact.ts'
import type { SourceType } from './source-type.ts'

type FieldValues = Readonly<Record<string, unknown>>

/** Validates the fields of a template, and returns them under their own names. Reports secret fields as problems. */
export function parseTemplateFields(
  type: SourceType,
  raw: FieldValues,
): { fields: FieldValues; problems: readonly FieldProblem[] } {
  const isSecret = (key: string) => findField(type, key)?.field.secret === true
  const secret = Object.keys(raw).filter(isSecret)
  const plain = Object.fromEntries(Object.entries(raw).filter(([key]) => !isSecret(key)))
  const parsed = parseFields(type, plain, 'create')
  const entries = Object.entries(parsed.given).flatMap(([name, value]) =>
    value instanceof Secret ? [[name, value.reveal()] as const] : [],
  )
  const redacted = entries.filter(([name, value]) => redactField(type, name, value) !== value)
  const problems = [
    ...secret.map(field => ({ field, message: 'is secret: a template must not contain secrets' })),
    ...parsed.problems,
    ...redacted.map(([field]) => ({
      field,
      message: 'seems to contain a secret: a template must not contain secrets',
    })),
  ]
  return { fields: Object.fromEntries(entries), problems }
}

/** The fields of a stored template for output: secrets redacted, unknown fields left out. */
export function redactTemplateFields(type: SourceType | undefined, fields: FieldValues): FieldValues {
  const names = Object.keys(type?.fields ?? {}).filter(name => Object.hasOwn(fields, name))
  return Object.fromEntries(names.map(name => [name, type && redactField(type, name, fields[name])]))
}

function redactField(type: SourceType, name: string, value: unknown): unknown {
  const field = type.fields[name]
  return field && redactValue(field, value)
}
