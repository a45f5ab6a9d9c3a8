import type { FieldProblem } from '../domain/errors.ts'
import { Secret } from '../domain/secret.ts'
import { findField } from './field-names.ts'
import { parseFields } from './parse-fields.ts'
import { redactValue } from './redact.ts'
import type { SourceType } from './source-type.ts'

type Values = Readonly<Record<string, unknown>>

/** The fields of a template, valid by themselves and under their own names. No secret may be among them. */
export function parseTemplateFields(
  type: SourceType,
  raw: Values,
): { fields: Values; problems: readonly FieldProblem[] } {
  const isSecret = (key: string) => findField(type, key)?.field.secret === true
  const secret = Object.keys(raw).filter(isSecret)
  const plain = Object.fromEntries(Object.entries(raw).filter(([key]) => !isSecret(key)))
  const read = parseFields(type, plain, 'create')
  const entries = Object.entries(read.given).flatMap(([name, value]) =>
    value instanceof Secret ? [[name, value.reveal()] as const] : [],
  )
  const hiding = entries.filter(([name, value]) => shown(type, name, value) !== value)
  const problems = [
    ...secret.map(field => ({ field, message: 'is secret, and a template holds no secret' })),
    ...read.problems,
    ...hiding.map(([field]) => ({ field, message: 'seems to have a secret in it, and a template holds none' })),
  ]
  return { fields: Object.fromEntries(entries), problems }
}

/** The fields of a stored template as they may be shown: what its type does not declare as not secret is hidden. */
export function redactTemplateFields(type: SourceType | undefined, fields: Values): Values {
  const names = Object.keys(type?.fields ?? {}).filter(name => Object.hasOwn(fields, name))
  return Object.fromEntries(names.map(name => [name, type && shown(type, name, fields[name])]))
}

function shown(type: SourceType, name: string, value: unknown): unknown {
  const field = type.fields[name]
  return field && redactValue(field, value)
}
