/** A value inside parsed JSON, by the keys that lead to it; undefined if there is none. */
export function valueAt(json: unknown, ...keys: readonly (string | number)[]): unknown {
  let value = json
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string | number, unknown>)[key]
  }
  return value
}
