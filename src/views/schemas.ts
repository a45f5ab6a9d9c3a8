import { ONBOARDING_STATUSES } from '../domain/data-source.ts'
import { ERROR_CODES } from '../domain/errors.ts'
import { ROLES } from '../ports/caller.ts'
import { CONNECTION_CODES, STAGES } from '../ports/connection-test.ts'
import { SETTING_KEYS } from '../settings/keys.ts'
import { outputSchema } from '../source-types/output-schema.ts'
import { JSON_SCHEMA_DIALECT, type JsonSchema, requestSchema } from '../source-types/request-schema.ts'
import type { SourceType } from '../source-types/source-type.ts'

/**
 * The JSON Schema (draft 2020-12) of a command's output with `-o json`. `command` may also be `answer`, for the schema
 * of one data source, or `error`.
 */
export function findOutputSchema(command: string, types: readonly SourceType[]): JsonSchema | undefined {
  const make = SCHEMAS[command]
  return make && { $schema: JSON_SCHEMA_DIALECT, title: `Output of dsctl ${command} -o json`, ...make(types) }
}

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const integer = { type: 'integer' }
const flag = { type: 'boolean' }
const id = { type: 'string', format: 'uuid' }
const idOrNull = { type: ['string', 'null'], format: 'uuid' }
const time = { type: 'string', format: 'date-time' }
const anything = {}
const list = (items: JsonSchema) => ({ type: 'array', items })
const oneOf = (...values: readonly string[]) => ({ enum: values })

function object(properties: JsonSchema, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter(name => !optional.includes(name))
  return { type: 'object', properties, required }
}

const orNull = (schema: JsonSchema) => ({ anyOf: [schema, { type: 'null' }] })

const codes = Object.keys(ERROR_CODES)
const problems = list(object({ field: text, message: text }))
const failure = object(
  { code: oneOf(...codes), exit_code: integer, message: text, hint: text, outcome: text, fields: problems },
  ['hint', 'outcome', 'fields'],
)

const status = oneOf(...ONBOARDING_STATUSES)
const role = oneOf(...ROLES)
const settingKey = oneOf(...SETTING_KEYS.map(({ key }) => key))

const member = object({
  ...{ id, email: text, name: textOrNull, role },
  status: oneOf('active', 'inactive', 'pending', 'guest'),
})

const template = object({
  ...{ name: text, type: text, fields: { type: 'object' } },
  ...{ created_at: time, updated_at: time },
})

const event = object({
  ...{ id, at: time, action: text, outcome: oneOf('done', 'denied', 'failed', 'unknown') },
  ...{ actor_id: idOrNull, actor_email: text, actor_source: text },
  ...{ data_source_id: idOrNull, data_source_name: textOrNull, fields: list(text) },
  ...{ before: orNull({ type: 'object' }), after: orNull({ type: 'object' }), client: text, settled_by: textOrNull },
})

const differences = list(
  object({
    ...{ name: text, env: text, action: oneOf('create', 'update', 'delete') },
    fields: list(object({ field: text, secret: flag, before: anything, after: anything })),
  }),
)

const applied = list(
  object({
    ...{ name: text, env: text, action: oneOf('created', 'updated', 'unchanged', 'deleted', 'failed') },
    ...{ id: idOrNull, error: orNull(failure) },
  }),
)

type Make = (types: readonly SourceType[]) => JsonSchema

const dataSource: Make = types => outputSchema(types, ONBOARDING_STATUSES)

/** Removes `$schema`, for use inside another schema. */
const nested = ({ $schema: _, ...schema }: JsonSchema) => schema

const SCHEMAS: Readonly<Record<string, Make>> = {
  answer: dataSource,
  create: dataSource,
  update: dataSource,
  onboarding: dataSource,
  get: types => ({ anyOf: [nested(dataSource(types)), list(nested(dataSource(types)))] }),
  list: () => list(object({ id, name: text, type: text, updated_at: time, env: text, onboarding_status: status })),
  delete: () =>
    list(
      object({ ref: text, env: text, action: oneOf('deleted', 'not found', 'failed'), error: orNull(failure) }, [
        'env',
      ]),
    ),
  test: () =>
    list(
      object({
        ...{ id: idOrNull, name: text, type: textOrNull, ok: flag },
        ...{ stage: oneOf(...STAGES), code: oneOf(...CONNECTION_CODES), message: text },
        ...{ latency_ms: { type: 'number' }, server_version: textOrNull },
      }),
    ),
  apply: () => ({ description: 'With --dry-run, the output of dsctl diff.', anyOf: [applied, differences] }),
  diff: () => differences,
  export: types => list({ anyOf: types.map(type => nested(requestSchema(type))) }),
  types: () => list(object({ name: text, label: text })),
  whoami: () =>
    object({
      ...{ user: object({ id, email: text, name: textOrNull }), organization: object({ id, name: text }), role },
      ...{ identity_source: text, token_ttl_seconds: { type: ['integer', 'null'] } },
    }),
  'member list': () => list(member),
  'member add': () => member,
  'member set-role': () => member,
  'template list': () => list(template),
  'template get': () => template,
  'template set': () => template,
  audit: () => list(event),
  doctor: () =>
    list(
      object({
        ...{ check: text, status: oneOf('ok', 'warning', 'problem'), message: text },
        ...{ fix: textOrNull, items: list(text) },
      }),
    ),
  'config list': () =>
    list(object({ key: { anyOf: [settingKey, { const: 'DSCTL_HOME' }] }, value: text, source: text }, ['value'])),
  'config get': () => object({ key: settingKey, value: text }),
  'config profiles': () => list(object({ name: text, current: flag })),
  'config path': () => object({ path: text }),
  error: () =>
    object({ error: errorBody, warnings: list(text), notes: list(text), calls: list(text) }, [
      ...(['error', 'warnings', 'notes', 'calls'] as const),
    ]),
}

/** The error in the document on standard error with `-o json`. */
const errorBody = object(
  {
    ...{ code: oneOf(...codes), status: integer, exit_code: integer, message: text, hint: text, fields: problems },
    ...{ outcome: oneOf('none', 'undoing', 'unknown', 'owed'), id: text, stack: list(text) },
  },
  ['status', 'hint', 'fields', 'outcome', 'id', 'stack'],
)

/** The names that findOutputSchema knows. */
export const COMMANDS_WITH_SCHEMA = Object.keys(SCHEMAS)
