// Control characters (C0, DEL, C1), line separators, bidirectional controls and invisible characters. A terminal acts on the
// former; the latter make one text look like another. Joiners are kept, because words and emoji need them.
const UNPRINTABLE =
  /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u{e0000}-\u{e007f}]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A text as one line that is safe to print: unprintable characters are escaped as `\n` or `\u001b`. */
export function toPrintable(text: string): string {
  return text.replace(UNPRINTABLE, character => SHORT[character] ?? escaped(character))
}

/** Whether a text contains unprintable characters. */
export function hasUnprintable(text: string): boolean {
  return text.search(UNPRINTABLE) >= 0
}

/**
 * Escapes the remaining unprintable characters of a JSON or YAML document, so that its meaning stays the same. Its
 * strings already escape C0.
 */
export function toPrintableDocument(document: string, form: 'json' | 'yaml' = 'json'): string {
  const shown = (character: string) =>
    form === 'yaml' && character.length > 1 ? `\\U${hex(character.codePointAt(0), 8)}` : escaped(character)
  return document.replace(UNPRINTABLE, character => (character < ' ' ? character : shown(character)))
}

/** A character as `\uXXXX`; one above U+FFFF as two escapes, because JSON has no longer form. */
function escaped(character: string): string {
  return character
    .split('')
    .map(half => `\\u${hex(half.charCodeAt(0), 4)}`)
    .join('')
}

function hex(code: number | undefined, digits: number): string {
  return (code ?? 0).toString(16).padStart(digits, '0')
}
