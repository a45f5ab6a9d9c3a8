// Control characters (C0, DEL, C1) and line separators change what a terminal does. Bidirectional controls and
// invisible characters make one string look like another. Joiners are kept, because words and emoji need them.
const UNPRINTABLE =
  /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u{e0000}-\u{e007f}]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Makes a string safe to print on one line: unprintable characters are escaped as `\n` or `\u001b`. */
export function toPrintable(text: string): string {
  return text.replace(UNPRINTABLE, character => SHORT[character] ?? escaped(character))
}

/** Whether a string contains unprintable characters. */
export function hasUnprintable(text: string): boolean {
  return text.search(UNPRINTABLE) >= 0
}

/**
 * Escapes the unprintable characters of a JSON or YAML document without changing its meaning. C0 characters are not
 * escaped: the strings of the document already escape them.
 */
export function toPrintableDocument(document: string, form: 'json' | 'yaml' = 'json'): string {
  const shown = (character: string) =>
    form === 'yaml' && character.length > 1 ? `\\U${hex(character.codePointAt(0), 8)}` : escaped(character)
  return document.replace(UNPRINTABLE, character => (character < ' ' ? character : shown(character)))
}

/** A character as `\uXXXX`. A character above U+FFFF becomes two escapes, because JSON has no longer form. */
function escaped(character: string): string {
  return character
    .split('')
    .map(half => `\\u${hex(half.charCodeAt(0), 4)}`)
    .join('')
}

function hex(code: number | undefined, digits: number): string {
  return (code ?? 0).toString(16).padStart(digits, '0')
}
