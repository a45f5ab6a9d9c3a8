import { stringifyExactJson } from './exact-json.ts'

/**
 * A value as text; never throws. Objects become JSON, because `String` throws if their `toString` is not a function.
 * A value that JSON cannot represent, for example a YAML list that contains itself, becomes `a list` or `an object`.
 */
export function stringify(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  try {
    return stringifyExactJson(value)
  } catch {
    return Array.isArray(value) ? 'a list' : 'an object'
  }
}
