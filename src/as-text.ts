/** What a value is in words: an object as JSON, since others may have written into it what makes `String` throw. */
export function asText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
