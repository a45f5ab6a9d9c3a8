import { isDeepStrictEqual } from 'node:util'
import { type FieldProblem, safeKey } from '../domain/errors.ts'
import { AllowedPlaceholder, isMask, Secret, SecretSource } from '../domain/secret.ts'
import { checkValue } from './check-value.ts'
import { fieldListMessage, findField, type NamedField, unknownFieldMessage } from './field-names.ts'
import { secretSourceProblem } from './secret-source.ts'
import type { Field, SourceType } from './source-type.ts'

/** Field values under the fields' own names, all sealed. The value of a SecretSource has not been fetched yet. */
export type GivenFields = Readonly<Record<string, Secret | SecretSource>>

type ParseResult = { readonly value: Secret | SecretSource } | { readonly message: string }

/**
 * Parses and validates the fields of a request (without `name`, `env` and `type`) or of the flags. Returns all
 * problems. For an update, the value of a secret field may be a mask, which is returned unchanged: see `mergeUpdate`.
 */
export function parseFields(
  type: SourceType,
  raw: Readonly<Record<string, unknown>>,
  mode: 'create' | 'update',
): { given: GivenFields; problems: readonly FieldProblem[] } {
  const problems: FieldProblem[] = []
  const given = new Map<string, { key: string; value: Secret | SecretSource }>()
  let fieldsListed = false
  for (const [key, value] of Object.entries(raw)) {
    if (value === undefined) continue
    const named = findField(type, key)
    const parsed = named ? parseValue(named, value, mode) : { message: unknownFieldMessage(type, key) }
    const earlier = named && given.get(named.name)
    if ('message' in parsed) {
      const message = named || fieldsListed ? parsed.message : `${parsed.message} (${fieldListMessage(type)})`
      problems.push({ field: named ? key : safeKey(key), message })
      fieldsListed ||= !named
    } else if (earlier && !isSame(earlier.value, parsed.value)) {
      problems.push({ field: key, message: `differs from ${earlier.key}, another name of the same field: omit one` })
    } else if (named && !earlier) {
      given.set(named.name, { key, value: parsed.value })
    }
  }
  return { given: Object.fromEntries([...given].map(([name, { value }]) => [name, value])), problems }
}

/** Validates a secret that was fetched from its source or entered at a prompt. */
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

function parseValue(named: NamedField, raw: unknown, mode: 'create' | 'update'): ParseResult {
  if (!named.list) return parseSingle(named.field, raw, mode)
  if (!Array.isArray(raw) || raw.length !== 1) return { message: 'must be a list with one item' }
  return parseSingle(named.field, raw[0], mode)
}

function parseSingle(field: Field, raw: unknown, mode: 'create' | 'update'): ParseResult {
  const source = sourceOf(raw)
  if (source !== undefined) return parseSource(field, source)
  if (raw instanceof AllowedPlaceholder && field.secret) return { value: raw }
  const plain = raw instanceof Secret ? raw.reveal() : raw
  if (mode === 'update' && field.secret && typeof plain === 'string' && isMask(plain)) {
    return { value: new Secret(plain) }
  }
  const checked = checkValue(field, plain)
  if ('value' in checked) return { value: new Secret(checked.value) }
  return field.secret && hasFrom(raw) ? { message: 'must be a string, or {from: SOURCE} with no other key' } : checked
}

/** The source in an object with `from` as its only key. */
function sourceOf(raw: unknown): SecretSource | { readonly text: unknown } | undefined {
  if (raw instanceof SecretSource) return raw
  if (raw instanceof Secret || typeof raw !== 'object' || raw === null) return undefined
  return 'from' in raw && Object.keys(raw).length === 1 ? { text: raw.from } : undefined
}

function hasFrom(raw: unknown): boolean {
  return typeof raw === 'object' && raw !== null && 'from' in raw
}

function parseSource(field: Field, source: SecretSource | { readonly text: unknown }): ParseResult {
  if (!field.secret)
    return { message: 'must be the value itself: only secrets can be read from a source such as env:NAME' }
  const text = typeof source.text === 'string' ? source.text : ''
  const origin = source instanceof SecretSource ? source.origin : 'file'
  const message = secretSourceProblem(text, origin)
  return message ? { message } : { value: new SecretSource(text, origin) }
}

function isSame(one: Secret | SecretSource, other: Secret | SecretSource): boolean {
  if (one instanceof SecretSource || other instanceof SecretSource) {
    return one instanceof SecretSource && other instanceof SecretSource && one.text === other.text
  }
  return isDeepStrictEqual(one.reveal(), other.reveal())
}
