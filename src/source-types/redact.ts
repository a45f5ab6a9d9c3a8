import { type Credentials, REDACTED } from '../domain/secret.ts'
import { ExactNumber } from '../lib/exact-json.ts'
import { normalizeCredentials } from './normalize.ts'
import type { Field, SourceType } from './source-type.ts'

type OutputValue = string | number | boolean

/**
 * Credentials for output: secrets as `[REDACTED]`, fields under their output names, unset fields left out. Fails
 * closed: unknown keys are left out, and a value is shown only if its field is declared not secret and its type is
 * plain.
 */
export function redactCredentials(
  type: SourceType,
  credentials: Credentials,
): Readonly<Record<string, OutputValue | OutputValue[]>> {
  const known = normalizeCredentials(type, credentials)
  const entries = Object.entries(type.fields).flatMap(([name, field]): [string, OutputValue | OutputValue[]][] => {
    const secret = Object.hasOwn(known, name) ? known[name] : undefined
    if (!secret) return []
    const value = redactValue(field, secret.reveal())
    return [[outputName(name, field), field.output?.list ? [value] : value]]
  })
  return Object.fromEntries(entries)
}

/** A field's value for output. */
export function redactValue(field: Field, value: unknown): OutputValue {
  return field.secret === false ? redactPlain(value) : REDACTED
}

/** The name of a field in the output. */
export function outputName(name: string, field: Field): string {
  return field.output?.name ?? name
}

/** Redacts secrets that other programs may have stored in a plain field, such as the password in a URL. */
function redactPlain(value: unknown): OutputValue {
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (value instanceof ExactNumber) return value.text
  if (typeof value !== 'string' || /PRIVATE KEY/.test(value)) return REDACTED
  return value.replace(/\/\/.*@/s, `//${REDACTED}@`)
}
