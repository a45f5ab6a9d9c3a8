import { isDeepStrictEqual } from 'node:util'
import type { Secret } from '../domain/secret.ts'
import { parseExactJson } from '../lib/exact-json.ts'

/**
 * Whether two values of a field mean the same. Another program may have stored a value in a different form than dsctl,
 * for example a port or a service account key as text.
 */
export function isSameValue(one: Secret | undefined, other: Secret | undefined): boolean {
  const [a, b] = [one?.reveal(), other?.reveal()]
  if (a === b || (typeof a === 'object' && isDeepStrictEqual(a, b))) return true
  if (typeof a === 'string') return isTextOf(a, b)
  return typeof b === 'string' && isTextOf(b, a)
}

function isTextOf(text: string, value: unknown): boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value) === text
  return typeof value === 'object' && value !== null && isDeepStrictEqual(parseJson(text), value)
}

function parseJson(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return undefined
  }
}
