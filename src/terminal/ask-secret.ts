import { join } from 'node:path'
import { Secret } from '../domain/secret.ts'
import { decodeText, withoutByteOrderMark } from '../lib/files/decode-text.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readAtMost } from '../lib/files/read-at-most.ts'
import { MAX_REQUEST_BYTES } from '../source-types/limits.ts'
import { printAtPrompt } from './messages.ts'
import { toPrintable } from './printable.ts'
import { withoutPasteMarkers } from './prompt-keys.ts'
import { promptHidden, promptLine, type Validate } from './prompts.ts'
import { discardInput, readPasted } from './raw-input.ts'
import { type Streams, writeMessage } from './streams.ts'

/** A question for a secret. `empty` says what an empty answer does. All but `refuse` return undefined. */
export interface SecretQuestion {
  readonly label: string
  readonly check: Validate
  readonly empty: 'refuse' | 'leave' | 'keep stored' | 'keep entered'
}

const EMPTY_HINTS = {
  refuse: '',
  leave: ' (optional)',
  'keep stored': ' (Enter keeps the stored one)',
  'keep entered': ' (Enter keeps the one entered)',
}

/** Asks for a one-line secret, which is never shown and is returned sealed. */
export async function askOneLineSecret(
  streams: Streams,
  question: SecretQuestion,
): Promise<Secret<string> | undefined> {
  const { label, check, empty } = question
  for (;;) {
    const watch = watchForLines(streams)
    const text = await promptHidden(streams, label + EMPTY_HINTS[empty], answer => {
      if (answer !== '') return check(answer)
      return empty === 'refuse' ? 'a value is required' : undefined
    }).finally(watch.stop)
    // If several lines were pasted, the next prompt would take the rest as its answer and show it.
    const more = await discardInput(streams)
    if (!more && !watch.severalLines()) return text === '' ? undefined : new Secret(withoutByteOrderMark(text))
    printAtPrompt(streams, 'Several lines were entered, but this secret is a single line. Nothing was kept.')
  }
}

/** Asks for a secret of several lines. The user enters the path of a file, or pastes the secret, which is not shown. */
export async function askLongSecret(streams: Streams, question: SecretQuestion): Promise<Secret<string> | undefined> {
  for (;;) {
    const { path, isContent } = await promptPath(streams, question)
    if (isContent) {
      await discardInput(streams)
      continue
    }
    if (path === '' && question.empty !== 'refuse') return undefined
    const got =
      path === '' || path === '-' ? await pasted(streams, question.label) : await fileText(path, streams.env.HOME)
    const problem = 'problem' in got ? got.problem : question.check(got.text)
    if (problem === undefined && 'text' in got) return new Secret(got.text)
    printAtPrompt(streams, `${question.label}: ${problem}`)
  }
}

/** Asks the user to paste a secret of several lines, which is not shown. */
export async function pasteSecret(streams: Streams, label: string): Promise<Secret<string>> {
  return new Secret((await pasted(streams, label)).text)
}

const INPUT_HINTS = {
  refuse: 'Enter to paste it',
  leave: '- to paste it, Enter for none',
  'keep stored': '- to paste it, Enter keeps it',
  'keep entered': '- to paste it, Enter keeps it',
}

async function promptPath(streams: Streams, { label, empty }: SecretQuestion) {
  let isContent = false
  // If the user pastes the key here in place of a path, it must not appear on the screen.
  const shown = (text: string) => {
    isContent ||= looksLikeContent(text)
    return isContent ? '(not shown)' : text
  }
  const check = (text: string) =>
    text !== '' && (isContent || looksLikeContent(text))
      ? 'this is not a path, and nothing was kept: press Ctrl-U, then Enter, to start again'
      : undefined
  const path = await promptLine(streams, { message: `${label}: path to a file, ${INPUT_HINTS[empty]}:`, check, shown })
  return { path, isContent }
}

function looksLikeContent(text: string): boolean {
  return /----|^\s*[{[]/.test(text) || text.length > 512
}

async function pasted(streams: Streams, label: string): Promise<{ text: string }> {
  const ending = 'Paste it now. It is not shown. End with Ctrl-D, or with a line that contains only a dot.'
  writeMessage(streams, `${toPrintable(label)}: ${ending}\n`)
  return { text: withoutByteOrderMark(await readPasted(streams)) }
}

async function fileText(path: string, home: string | undefined): Promise<{ text: string } | { problem: string }> {
  const full = home && path.startsWith('~/') ? join(home, path.slice(2)) : path
  try {
    const decoded = decodeText(await readAtMost(full, MAX_REQUEST_BYTES))
    return 'problem' in decoded ? { problem: `the file ${decoded.problem}` } : decoded
  } catch (error) {
    return { problem: `the file ${describeReadError(error)}` }
  }
}

function watchForLines({ stdin }: Streams): { stop: () => void; severalLines: () => boolean } {
  let several = false
  const onData = (chunk: Buffer | string) => {
    several ||= /[\r\n]+[^\r\n]/.test(withoutPasteMarkers(chunk.toString()))
  }
  stdin.on('data', onData)
  return { stop: () => stdin.removeListener('data', onData), severalLines: () => several }
}
