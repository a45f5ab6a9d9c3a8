import { ENV_PATTERN, MAX_NAME } from './check-name.ts'
import { fieldNames } from './field-names.ts'
import { integerBounds, MAX_CERTIFICATES_BYTES, MAX_HOST, MAX_KEY_BYTES, MAX_TEXT } from './limits.ts'
import type { Field, FieldKind, Rule, SourceType } from './source-type.ts'

/** A JSON Schema, or part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>

export const JSON_SCHEMA_DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** The JSON Schema (draft 2020-12) of a request that creates a data source of this type. */
export function requestSchema(type: SourceType): JsonSchema {
  const fields = Object.entries(type.fields)
  const required = fields.filter(([, field]) => field.required).map(([name]) => name)
  const hasAlias = (name: string) => allNames(type, name).length > 1
  const complete = [
    { required: ['type', ...required.filter(name => !hasAlias(name))] },
    ...required.filter(hasAlias).map(name => requireField(type, name)),
    ...type.rules.flatMap(rule => ruleSchemas(type, rule)),
  ]
  return {
    $schema: JSON_SCHEMA_DIALECT,
    title: `A request for a ${type.label} data source`,
    type: 'object',
    properties: {
      name: { ...line(MAX_NAME), description: 'Name of the data source.' },
      env: { type: 'string', pattern: ENV_PATTERN, description: 'Environment of the data source.' },
      type: { const: type.name },
      template: { ...line(MAX_NAME), description: 'Template for the fields that are omitted here.' },
      ...Object.fromEntries(fields.flatMap(([name, field]) => properties(name, field))),
    },
    required: ['name', 'env'],
    // A template may set any field, so nothing else can be required if there is one.
    anyOf: [{ required: ['template'] }, { allOf: complete }],
    additionalProperties: false,
  }
}

function properties(name: string, field: Field): [string, JsonSchema][] {
  const schema = field.secret ? { anyOf: [FIELD_SCHEMAS[field.kind](field), SOURCE] } : FIELD_SCHEMAS[field.kind](field)
  const aliasOf = `Alias of ${name}.`
  const defaultValue = field.default === undefined ? {} : { default: field.default }
  return [
    [name, { title: field.label, description: field.description ?? field.label, ...defaultValue, ...schema }],
    ...(field.aliases ?? []).map((alias): [string, JsonSchema] => [alias, { description: aliasOf, ...schema }]),
    ...(field.listAliases ?? []).map((alias): [string, JsonSchema] => [
      alias,
      { description: `${aliasOf} A list with one item.`, type: 'array', items: schema, minItems: 1, maxItems: 1 },
    ]),
  ]
}

/** Requires a field, under any of its names. */
function requireField(type: SourceType, name: string): JsonSchema {
  const [own, ...others] = allNames(type, name).map(key => ({ required: [key] }))
  return others.length ? { anyOf: [own, ...others] } : { ...own }
}

function allNames(type: SourceType, name: string): readonly string[] {
  const field = type.fields[name]
  return field ? fieldNames(name, field) : [name]
}

function ruleSchemas(type: SourceType, rule: Rule): readonly JsonSchema[] {
  if (rule.kind === 'one-of') return [{ oneOf: rule.fields.map(name => requireField(type, name)) }]
  if (rule.kind === 'needs')
    return [{ anyOf: [{ not: requireField(type, rule.field) }, requireField(type, rule.needs)] }]
  if (rule.kind === 'derived') return []
  const all = rule.fields.map(name => requireField(type, name))
  return [{ anyOf: [{ not: { anyOf: all } }, { allOf: all }] }]
}

const SOURCE: JsonSchema = {
  type: 'object',
  description: 'Source to fetch the secret from.',
  properties: { from: { type: 'string', pattern: '^(-|@.+|env:[A-Za-z_][A-Za-z0-9_]*|vault:[^#]+/[^#]+#[^#]+)$' } },
  required: ['from'],
  additionalProperties: false,
}

const KEY_PATTERN = '-----BEGIN [A-Z ]*PRIVATE KEY-----'

const FIELD_SCHEMAS: Readonly<Record<FieldKind, (field: Field) => JsonSchema>> = {
  text: () => line(MAX_TEXT),
  host: () => ({ type: 'string', minLength: 1, maxLength: MAX_HOST, pattern: '^[A-Za-z0-9_.:%-]+$' }),
  integer: field => {
    const { min, max } = integerBounds(field)
    return {
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: '^[0-9]+$' },
      ],
    }
  },
  boolean: () => ({ enum: [true, false, 'true', 'false'] }),
  choice: field => ({ enum: field.choices ?? [] }),
  password: () => ({ type: 'string', minLength: 1, maxLength: MAX_TEXT, pattern: '^[^\\r\\n\\u0000]+$' }),
  token: () => ({ type: 'string', maxLength: MAX_TEXT, pattern: '^[\\x21-\\x7e]+$' }),
  'private-key': () => ({ type: 'string', maxLength: MAX_KEY_BYTES, pattern: KEY_PATTERN }),
  certificates: () => ({ type: 'string', maxLength: MAX_CERTIFICATES_BYTES, pattern: '-----BEGIN CERTIFICATE-----' }),
  'service-account-key': () => ({
    anyOf: [
      {
        type: 'object',
        properties: {
          type: { const: 'service_account' },
          project_id: line(MAX_TEXT),
          client_email: line(MAX_TEXT),
          private_key: { type: 'string', pattern: KEY_PATTERN },
        },
        required: ['type', 'project_id', 'client_email', 'private_key'],
      },
      { type: 'string', description: 'The same object as JSON text.', maxLength: MAX_KEY_BYTES, pattern: '^\\s*\\{' },
    ],
  }),
  'host-key-fingerprint': () => ({ type: 'string', pattern: HOST_KEY_PATTERN }),
}

/** A fingerprint or a public key, alone or in a line of `ssh-keygen -l` or known_hosts. */
const HOST_KEY_PATTERN = '(^|\\s)(SHA256:[A-Za-z0-9+/]{43}=?|(ssh|ecdsa|sk)-\\S+\\s+AAAA[A-Za-z0-9+/]+=*)(\\s|$)'

/** One line of text that is not blank. */
function line(max: number): JsonSchema {
  return {
    type: 'string',
    minLength: 1,
    maxLength: max,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*\\S[^\\u0000-\\u001f\\u007f-\\u009f]*$',
  }
}
