import { type Credentials, REDACTED } from '../domain/secret.ts'
import { normalizeCredentials } from './normalize.ts'
import type { Field, SourceType } from './source-type.ts'

type Shown = string | number | boolean

/**
 * Credentials as answers show them: secrets as `[REDACTED]`, what is not set left out, each field under the name that
 * answers use. It fails closed: keys that the type does not know are left out, and a value is shown only where its
 * field is declared not secret and it is a plain one.
 */
export function redactCredentials(
  type: SourceType,
  credentials: Credentials,
): Readonly<Record<string, Shown | Shown[]>> {
  const known = normalizeCredentials(type, credentials)
  const entries = Object.entries(type.fields).flatMap(([name, field]): [string, Shown | Shown[]][] => {
    const secret = Object.hasOwn(known, name) ? known[name] : undefined
    if (!secret) return []
    const shown = redactValue(field, secret.reveal())
    return [[outputName(name, field), field.output?.list ? [shown] : shown]]
  })
  return Object.fromEntries(entries)
}

/** A field's value as it may be shown. */
export function redactValue(field: Field, value: unknown): Shown {
  return field.secret === false ? plain(value) : REDACTED
}

/** The name of a field in answers. */
export function outputName(name: string, field: Field): string {
  return field.output?.name ?? name
}

/** Others may have stored anything in a plain field, for instance a URL with a password in it. */
function plain(value: unknown): Shown {
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value !== 'string' || /PRIVATE KEY/.test(value)) return REDACTED
  return value.replace(/\/\/.*@/s, `//${REDACTED}@`)
}
