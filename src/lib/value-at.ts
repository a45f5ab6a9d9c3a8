/** A property of what Vault answered; undefined where it is no object or has none of that name. */
export function valueAt(from: unknown, name: string): unknown {
  return typeof from === 'object' && from !== null ? (from as Record<string, unknown>)[name] : undefined
}
