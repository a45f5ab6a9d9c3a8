import { isDeepStrictEqual } from 'node:util'
import { type FieldProblem, safeKey } from '../domain/errors.ts'
import { isMask, Secret, SecretSource } from '../domain/secret.ts'
import { checkValue } from './check-value.ts'
import { fieldListMessage, findField, type NamedField, unknownFieldMessage } from './field-names.ts'
import { secretSourceProblem } from './secret-source.ts'
import type { Field, SourceType } from './source-type.ts'

/** Field values under their own names, all sealed; a secret may still have to be fetched from its source. */
export type GivenFields = Readonly<Record<string, Secret | SecretSource>>

type Value = { readonly value: Secret | SecretSource } | { readonly message: string }

/**
 * Reads the fields of a request (without its `name`, `env` and `type`) or of the flags, and reports every problem. In
 * an update a mask stands for the stored secret, and is left in `given` for `mergeUpdate`.
 */
export function parseFields(
  type: SourceType,
  raw: Readonly<Record<string, unknown>>,
  mode: 'create' | 'update',
): { given: GivenFields; problems: readonly FieldProblem[] } {
  const problems: FieldProblem[] = []
  const given = new Map<string, { key: string; value: Secret | SecretSource }>()
  let listed = false
  for (const [key, value] of Object.entries(raw)) {
    if (value === undefined) continue
    const named = findField(type, key)
    const read = named ? readValue(named, value, mode) : { message: unknownFieldMessage(type, key) }
    const earlier = named && given.get(named.name)
    if ('message' in read) {
      const message = named || listed ? read.message : `${read.message} (${fieldListMessage(type)})`
      problems.push({ field: named ? key : safeKey(key), message })
      listed ||= !named
    } else if (earlier && !same(earlier.value, read.value)) {
      problems.push({ field: key, message: `differs from ${earlier.key}, which is the same field: leave one out` })
    } else if (named && !earlier) {
      given.set(named.name, { key, value: read.value })
    }
  }
  return { given: Object.fromEntries([...given].map(([name, { value }]) => [name, value])), problems }
}

/** Judges the form of a secret that was fetched from its source or typed by a person. */
export function parseSecret(
  type: SourceType,
  name: string,
  text: string,
): { value: Secret } | { problem: FieldProblem } {
  const named = findField(type, name)
  const checked = named ? checkValue(named.field, text) : { message: unknownFieldMessage(type, name) }
  return 'value' in checked
    ? { value: new Secret(checked.value) }
    : { problem: { field: name, message: checked.message } }
}

function readValue(named: NamedField, raw: unknown, mode: 'create' | 'update'): Value {
  if (!named.list) return readPlain(named.field, raw, mode)
  if (!Array.isArray(raw) || raw.length !== 1) return { message: 'must be a list of one' }
  return readPlain(named.field, raw[0], mode)
}

function readPlain(field: Field, raw: unknown, mode: 'create' | 'update'): Value {
  const source = sourceOf(raw)
  if (source !== undefined) return readSource(field, source)
  const plain = raw instanceof Secret ? raw.reveal() : raw
  if (mode === 'update' && field.secret && typeof plain === 'string' && isMask(plain)) {
    return { value: new Secret(plain) }
  }
  const checked = checkValue(field, plain)
  if ('value' in checked) return { value: new Secret(checked.value) }
  return field.secret && hasSource(raw) ? { message: 'must be a string, or {from: SOURCE} with no other key' } : checked
}

/** The source in an object of exactly `{from}`. */
function sourceOf(raw: unknown): SecretSource | { readonly text: unknown } | undefined {
  if (raw instanceof SecretSource) return raw
  if (raw instanceof Secret || typeof raw !== 'object' || raw === null) return undefined
  return 'from' in raw && Object.keys(raw).length === 1 ? { text: raw.from } : undefined
}

function hasSource(raw: unknown): boolean {
  return typeof raw === 'object' && raw !== null && 'from' in raw
}

function readSource(field: Field, source: SecretSource | { readonly text: unknown }): Value {
  if (!field.secret) return { message: 'takes its value as it is: only a secret can come from a source' }
  const text = typeof source.text === 'string' ? source.text : ''
  const origin = source instanceof SecretSource ? source.origin : 'file'
  const message = secretSourceProblem(text, origin)
  return message ? { message } : { value: new SecretSource(text, origin) }
}

function same(one: Secret | SecretSource, other: Secret | SecretSource): boolean {
  if (one instanceof SecretSource || other instanceof SecretSource) {
    return one instanceof SecretSource && other instanceof SecretSource && one.text === other.text
  }
  return isDeepStrictEqual(one.reveal(), other.reveal())
}
