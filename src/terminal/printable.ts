// Control characters (C0, DEL, C1), line separators, bidirectional controls, and what is invisible: a terminal acts on
// the first, and the others make a text look like another one. Joiners stay, since words and emoji are written with them.
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A text as one line that is safe to show: what a terminal would act on, or hide, stands as `\n` or `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNSEEN, character => SHORT[character] ?? escaped(character))
}

/** Whether a text has something that `printable` would show. */
export function hasUnseen(text: string): boolean {
  return text.search(UNSEEN) >= 0
}

/**
 * The same for a JSON or YAML document, whose strings already escape C0: what is left of the unseen is escaped as JSON
 * does it, so that the document still means the same.
 */
export function printableDocument(document: string): string {
  return document.replace(UNSEEN, character => (character < ' ' ? character : escaped(character)))
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
