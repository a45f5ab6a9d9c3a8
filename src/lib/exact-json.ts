import { endOfString } from './duplicate-keys.ts'
import { once } from './once.ts'

/**
 * A number in JSON that would change as a JavaScript number, for example `103456789012345678901`, `1.0` or `1e400`. It
 * keeps its text. Also used for a number in YAML that JSON cannot write, for example `0777`.
 */
export class ExactNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }

  /** The number as a JavaScript integer, for example 5432 for `5432.0`. Undefined if it is not one, and for `0777`. */
  toInteger(): number | undefined {
    const number = Number(this.text)
    return losesDigits(this.text) && Number.isSafeInteger(number) ? number : undefined
  }
}

/** Parses JSON like `JSON.parse`, but returns an ExactNumber for every number that would not keep its digits. */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  if (!MAY_LOSE_DIGITS.test(text)) return value
  const start = mark()
  return JSON.parse(markNumbers(text), (_, each) =>
    typeof each === 'string' && each.startsWith(start) ? new ExactNumber(each.slice(start.length)) : each,
  )
}

/** Formats JSON like `JSON.stringify`, but writes each ExactNumber as it was read. */
export function stringifyExactJson(value: unknown): string {
  let found = false
  const text = JSON.stringify(value, (_, each) => {
    if (!(each instanceof ExactNumber)) return each
    found = true
    return mark() + each.text
  })
  return found ? text.replaceAll(new RegExp(`"${mark()}([^"]*)"`, 'g'), '$1') : text
}

/** Whether this is a JSON number that would change as a JavaScript number: `1.0`, but not `1` and not `007`. */
export function losesDigits(text: string): boolean {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) && String(Number(text)) !== text
}

/** The beginning of a string that stands for a number. Random, so that no other string begins with it. */
const mark = once(() => `number ${crypto.randomUUID()} `)

/** A quick check. Also true for some texts that lose no digits. */
const MAY_LOSE_DIGITS = /(?:^|[:,[])\s*(?:-?\d{16}|-?\d+[.eE]|-0)/

/** Replaces each number that would lose digits in JavaScript by a marked string. The text must be valid JSON. */
function markNumbers(text: string): string {
  const token = /"|-?\d[\d.eE+-]*/g
  const parts: string[] = []
  let copied = 0
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const [word] = found
    if (word === '"') token.lastIndex = endOfString(text, found.index) + 1
    else if (losesDigits(word)) {
      parts.push(text.slice(copied, found.index), `"${mark()}${word}"`)
      copied = token.lastIndex
    }
  }
  return parts.join('') + text.slice(copied)
}
