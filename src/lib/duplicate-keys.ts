const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const [LIST, LIST_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d]

/** A key that occurs twice in its object. */
interface DuplicateKey {
  readonly key: string
  readonly position: number
}

/**
 * The first key that occurs twice in its object, if any. The text must be valid JSON. JSON.parse accepts such a key and
 * uses its last value.
 */
export function findDuplicateKey(text: string): DuplicateKey | undefined {
  // The keys of each enclosing object. Undefined for a list.
  const enclosing: (Set<string> | undefined)[] = []
  let isKey = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      const keys = isKey ? enclosing.at(-1) : undefined
      const key = keys && keyIn(text.slice(at, end + 1))
      if (key !== undefined && keys?.has(key)) return { key, position: at }
      if (key !== undefined) keys?.add(key)
      at = end
    } else if (code === OBJECT || code === LIST) enclosing.push(code === OBJECT ? new Set() : undefined)
    else if (code === OBJECT_END || code === LIST_END) enclosing.pop()
    if (code === OBJECT || code === COMMA) isKey = enclosing.at(-1) !== undefined
    else if (code === COLON || code === LIST) isKey = false
  }
  return undefined
}

/** The position of the quote that closes a string. */
export function endOfString(text: string, start: number): number {
  let at = text.indexOf('"', start + 1)
  while (isEscaped(text, at)) at = text.indexOf('"', at + 1)
  return at
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(at - backslashes - 1) === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}

function keyIn(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1)
}
