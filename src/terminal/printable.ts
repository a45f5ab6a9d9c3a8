// Control characters (C0, DEL, C1), line separators, bidirectional controls, and what is invisible: a terminal acts on
// the first, and the others make a text look like another one. Joiners stay, since words and emoji are written with them.
const UNPRINTABLE =
  /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u{e0000}-\u{e007f}]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A text as one line that is safe to show: what a terminal would act on, or hide, stands as `\n` or `\u001b`. */
export function toPrintable(text: string): string {
  return text.replace(UNPRINTABLE, character => SHORT[character] ?? escaped(character))
}

/** Whether a text has something that `printable` would show. */
export function hasUnprintable(text: string): boolean {
  return text.search(UNPRINTABLE) >= 0
}

/**
 * The same for a JSON or YAML document, whose strings already escape C0: what is left of the unseen is escaped as JSON
 * does it, so that the document still means the same.
 */
export function toPrintableDocument(document: string, form: 'json' | 'yaml' = 'json'): string {
  const shown = (character: string) =>
    form === 'yaml' && character.length > 1 ? `\\U${hex(character.codePointAt(0), 8)}` : escaped(character)
  return document.replace(UNPRINTABLE, character => (character < ' ' ? character : shown(character)))
}

/** Of one beyond U+FFFF, which only YAML has an escape for, both halves. */
function escaped(character: string): string {
  return character
    .split('')
    .map(half => `\\u${hex(half.charCodeAt(0), 4)}`)
    .join('')
}

function hex(code: number | undefined, digits: number): string {
  return (code ?? 0).toString(16).padStart(digits, '0')
}
