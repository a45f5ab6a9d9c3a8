/**
 * A number that JSON text spells differently than JavaScript would, for example one of 21 digits, or `1.0`. It keeps the
 * text, because a number of JavaScript has about 16 digits only.
 */
export class ExactNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

// Marks an exact number while JSON.parse and JSON.stringify run. Random, so that no text contains it by chance.
const MARK = `number:${crypto.randomUUID()}:`
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
/** Matches every text with a number that needs an ExactNumber, and few others, so that most texts are scanned once. */
const MAY_BE_INEXACT = /[:[,]\s*(?:-?\d{16}|-?\d+[.eE]|-0)/
const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g')

/** Parses JSON as JSON.parse does, except that a number that it would change becomes an ExactNumber. */
export function parseExactJson(text: string): unknown {
  if (!MAY_BE_INEXACT.test(text)) return JSON.parse(text)
  let found = false
  const marked = text.replace(STRING_OR_NUMBER, token => {
    if (token.startsWith('"') || String(Number(token)) === token) return token
    found = true
    return `"${MARK}${token}"`
  })
  if (!found) return JSON.parse(text)
  JSON.parse(text) // throws if the text is not JSON
  return JSON.parse(marked, (_key, value) => (isMarked(value) ? new ExactNumber(value.slice(MARK.length)) : value))
}

/** The JSON text of a value, with every ExactNumber as it was. */
export function stringifyExactJson(value: unknown): string {
  let found = false
  const text = JSON.stringify(value, (_key, each) => {
    if (!(each instanceof ExactNumber)) return each
    found = true
    return `${MARK}${each.text}`
  })
  return found ? text.replace(MARKED, '$1') : text
}

function isMarked(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(MARK)
}
