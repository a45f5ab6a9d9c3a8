import { REDACTED } from '../domain/secret.ts'
import { outputName } from './redact.ts'
import { JSON_SCHEMA_DIALECT, type JsonSchema } from './request-schema.ts'
import type { Field, FieldKind, SourceType } from './source-type.ts'

/** The JSON Schema (draft 2020-12) of the output of `create`, `get` and `update` for a data source of these types. */
export function outputSchema(types: readonly SourceType[], onboardingStatuses: readonly string[]): JsonSchema {
  const properties = { ...PROPERTIES, onboarding_status: { enum: onboardingStatuses } }
  return {
    $schema: JSON_SCHEMA_DIALECT,
    title: 'A data source',
    type: 'object',
    properties,
    required: Object.keys(properties),
    oneOf: types.map(type => ({
      title: type.label,
      properties: { db_type: { const: type.name }, credentials: credentials(type) },
    })),
  }
}

function credentials(type: SourceType): JsonSchema {
  const fields = Object.entries(type.fields).map(([name, field]) => [outputName(name, field), shown(field)])
  const description = 'Unset fields are left out. Null if the credentials could not be read.'
  return { type: ['object', 'null'], description, properties: Object.fromEntries(fields) }
}

function shown(field: Field): JsonSchema {
  const value = field.secret ? { const: REDACTED } : { type: JSON_TYPES[field.kind] ?? 'string' }
  return { title: field.label, ...(field.output?.list ? { type: 'array', items: value } : value) }
}

const JSON_TYPES: Readonly<Partial<Record<FieldKind, string>>> = { integer: 'integer', boolean: 'boolean' }

const id = { type: 'string', format: 'uuid' }
const time = { type: 'string', format: 'date-time' }

const PROPERTIES: JsonSchema = {
  id,
  name: { type: 'string' },
  db_type: { type: 'string' },
  created_at: time,
  updated_at: time,
  created_by: {
    type: ['object', 'null'],
    properties: { id, email: { type: 'string' }, name: { type: ['string', 'null'] } },
    required: ['id', 'email', 'name'],
  },
  credentials: { type: ['object', 'null'] },
  data_sets: {
    type: 'array',
    items: { type: 'object', properties: { id, name: { type: 'string' } }, required: ['id', 'name'] },
  },
  env: { type: 'string' },
  onboarding_status: { type: 'string' },
  onboarding_error: { type: ['string', 'null'] },
}
