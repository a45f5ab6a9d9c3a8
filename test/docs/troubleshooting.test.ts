import { expect, test } from 'vitest'
import { getPage } from '../support/docs.ts'
import { readSourceFiles } from '../support/source-files.ts'

test('Each message of the table is one that dsctl says', () => {
  const sources = readSourceFiles()
  const messages = [...getPage('docs/troubleshooting.md').matchAll(/^\| `([^`]*)`[^|]*\|/gm)].map(
    ([, message = '']) => message,
  )
  const said = (message: string) =>
    sources.some(({ strings }) =>
      message.split('…').every(part => strings.some(string => string.includes(part.trim()))),
    )
  expect(messages.length).toBeGreaterThan(12)
  expect(messages.filter(message => !said(message))).toEqual([])
})
