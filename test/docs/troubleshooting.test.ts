import { expect, test } from 'vitest'
import { getPage, markedBlock } from '../support/docs.ts'
import { errorMessages } from '../support/messages.ts'
import { readSourceFiles } from '../support/source-files.ts'

// The messages in docs/troubleshooting.md: the first column of its tables.

const rows = [...getPage('docs/troubleshooting.md').matchAll(/^\| `([^`]*)`[^|]*\|/gm)].map(
  ([, message = '']) => message,
)

const strings = readSourceFiles().flatMap(file => file.strings)
const exists = (message: string) => partsOf(message).every(part => strings.some(string => string.includes(part)))

test('Each message of the page exists in the source', () => {
  expect(rows.length).toBeGreaterThan(100)
  expect(rows.filter(message => !exists(message))).toEqual([])
})

test('The page has each message of an error or a warning, or its beginning', () => {
  const messages = errorMessages().filter(({ text }) => (text.match(/\p{L}+/gu) ?? []).length > 2)
  expect(messages.length).toBeGreaterThan(100)
  expect(messages.filter(({ text }) => !rows.some(row => text.startsWith(row)))).toEqual([])
})

test('The example of dsctl test has messages that exist', () => {
  const [, ...lines] = markedBlock('not run: dsctl test').trimEnd().split('\n').slice(1)
  const messages = lines.map(line => line.split(/ {2,}|: (?=\d of)/).at(-1) ?? '')
  const general = messages.map(message => message.replace(/db\.example\.com|main_db|\d[\d.]*\d|\d(?= )/g, '…'))
  expect(general.filter(message => !exists(message))).toEqual([])
})

/** A message without its inserted values. */
function partsOf(message: string): readonly string[] {
  return message.split('…').map(part => part.trim())
}
