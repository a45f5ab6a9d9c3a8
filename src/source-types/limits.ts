import type { Field, FieldKind } from './source-type.ts'

/** In characters (code points). */
export const MAX_TEXT = 1024
/** In characters. */
export const MAX_HOST = 253
/** Of a key, a certificate or a service account key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 64 * 1024
/** Of a whole request, in bytes of UTF-8. */
export const MAX_REQUEST_BYTES = 1024 * 1024

/** What a field's value may be, in a few words, for instance `1 to 65535`. */
export function describeLimit(field: Field): string {
  return LIMITS[field.kind](field)
}

/** The bounds of an integer field, both inclusive. */
export function integerBounds(field: Field): { min: number; max: number } {
  return { min: field.min ?? 0, max: field.max ?? Number.MAX_SAFE_INTEGER }
}

/** What is wrong with a text's length or characters, wherever line breaks and the like have no place. */
export function lineProblem(text: string, max: number): string | undefined {
  if (text.trim() === '') return 'must not be empty'
  if (/\p{Cc}/u.test(text)) return 'must not hold control characters or line breaks'
  return lengthProblem(text, max)
}

/** What is wrong with a text's length or encoding. */
export function lengthProblem(text: string, max: number): string | undefined {
  if (text === '') return 'must not be empty'
  if (/\p{Surrogate}/u.test(text)) return 'must be valid Unicode: it holds half a character'
  // Two code units are at most one character, so that a short text and a huge one need not be spread.
  return text.length > max && (text.length > 2 * max || [...text].length > max)
    ? `must have at most ${number(max)} characters`
    : undefined
}

/** What is wrong with the size of a key or a certificate. */
export function sizeProblem(text: string): string | undefined {
  if (text.trim() === '') return 'must not be empty'
  return Buffer.byteLength(text) > MAX_KEY_BYTES ? 'must have at most 64 KiB' : undefined
}

const LIMITS: Readonly<Record<FieldKind, (field: Field) => string>> = {
  text: () => `at most ${number(MAX_TEXT)} characters`,
  host: () => `a hostname or an IP address, at most ${MAX_HOST} characters`,
  integer: field => `${integerBounds(field).min} to ${integerBounds(field).max}`,
  boolean: () => 'true or false',
  choice: field => (field.choices ?? []).join(', '),
  password: () => `one line, at most ${number(MAX_TEXT)} characters`,
  token: () => `printable ASCII without spaces, at most ${number(MAX_TEXT)} characters`,
  'private-key': () => 'PEM or OpenSSH form, at most 64 KiB',
  certificates: () => 'PEM form, at most 64 KiB',
  'service-account-key': () => 'a JSON object, at most 64 KiB',
  'host-key-fingerprint': () => 'SHA256:… as printed by ssh-keygen -l',
}

function number(value: number): string {
  // Not toLocaleString: Node takes 10 ms to load what it knows of languages.
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
}
