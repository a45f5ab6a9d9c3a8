import { ExactNumber } from '../lib/exact-json.ts'
import type { Field, FieldKind } from './source-type.ts'

/** In characters (code points). */
export const MAX_TEXT = 1024
/** In characters. */
export const MAX_HOST = 253
/** Limit for a key or a service account key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 64 * 1024
/** Limit for certificates, in bytes of UTF-8. The bundle of Amazon RDS has 166 KB. */
export const MAX_CERTIFICATES_BYTES = 512 * 1024
/** Limit for a request file, in bytes of UTF-8. */
export const MAX_REQUEST_BYTES = 1024 * 1024

/** The allowed values of a field in a few words, for example `1 to 65535`. */
export function describeLimit(field: Field): string {
  return LIMITS[field.kind](field)
}

/** The smallest and the largest value of an integer field. */
export function integerBounds(field: Field): { min: number; max: number } {
  return { min: field.min ?? 0, max: field.max ?? Number.MAX_SAFE_INTEGER }
}

/** The problem with a value that should be a string but is not. */
export function notString(raw: unknown): string {
  if (Array.isArray(raw)) return 'must be a string, not a list'
  const isObject = typeof raw === 'object' && !(raw instanceof ExactNumber)
  return isObject ? 'must be a string, not an object' : 'must be a string: quote it'
}

/** The problem with text that must be one line, if any. `max` is in characters. */
export function lineProblem(text: string, max: number): string | undefined {
  if (text.trim() === '') return 'must not be empty'
  if (/\p{Cc}/u.test(text)) return 'must not contain control characters or line breaks'
  return lengthProblem(text, max)
}

/** The problem with the length or the encoding of text, if any. `max` is in characters. */
export function lengthProblem(text: string, max: number): string | undefined {
  if (text === '') return 'must not be empty'
  if (/\p{Surrogate}/u.test(text)) return 'must be valid Unicode: it contains half of a surrogate pair'
  // A character has one or two code units, so the exact count is needed only between max and 2 * max.
  return text.length > max && (text.length > 2 * max || [...text].length > max)
    ? `must have at most ${formatNumber(max)} characters`
    : undefined
}

/** The problem with the size of a key or of certificates, if any. */
export function sizeProblem(text: string, maxBytes: number): string | undefined {
  if (text.trim() === '') return 'must not be empty'
  return Buffer.byteLength(text) > maxBytes ? `must be at most ${maxBytes / 1024} KiB` : undefined
}

const LIMITS: Readonly<Record<FieldKind, (field: Field) => string>> = {
  text: () => `at most ${formatNumber(MAX_TEXT)} characters`,
  host: () => `a hostname or an IP address, at most ${MAX_HOST} characters`,
  integer: field => `${integerBounds(field).min} to ${integerBounds(field).max}`,
  boolean: () => 'true or false',
  choice: field => (field.choices ?? []).join(', '),
  password: () => `one line, at most ${formatNumber(MAX_TEXT)} characters`,
  token: () => `printable ASCII without spaces, at most ${formatNumber(MAX_TEXT)} characters`,
  'private-key': () => 'PEM or OpenSSH format, at most 64 KiB',
  certificates: () => 'PEM format, at most 512 KiB',
  'service-account-key': () => 'a JSON object, at most 64 KiB',
  'host-key-fingerprint': () => 'SHA256:… as printed by ssh-keygen -l, or a public key',
}

function formatNumber(value: number): string {
  // toLocaleString would make Node load locale data, which takes 10 ms.
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
}
