/**
 * What a value is in words: an object as JSON, since others may have written into it what makes `String` throw. One that
 * JSON cannot hold, such as a list that YAML puts into itself, is only said to be one.
 */
export function stringify(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  try {
    return JSON.stringify(value)
  } catch {
    return Array.isArray(value) ? 'a list' : 'an object'
  }
}
