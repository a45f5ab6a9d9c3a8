import { join } from 'node:path'
import { Secret } from '../domain/secret.ts'
import { decodeUtf8 } from '../lib/files/decode-utf8.ts'
import { describeReadError } from '../lib/files/describe-read-error.ts'
import { readAtMost } from '../lib/files/read-at-most.ts'
import { MAX_REQUEST_BYTES } from '../source-types/limits.ts'
import { printWarning } from './messages.ts'
import { toPrintable } from './printable.ts'
import { promptHidden, promptLine, type Validate } from './prompts.ts'
import { discardInput, readPasted } from './raw-input.ts'
import { type Streams, writeMessage } from './streams.ts'

/** What to ask for, and what an empty answer means: `leave` and `keep` give undefined. */
export interface SecretQuestion {
  readonly label: string
  readonly check: Validate
  readonly empty: 'refuse' | 'leave' | 'keep'
}

const EMPTY_HINTS = { refuse: '', leave: ' (optional)', keep: ' (Enter keeps the present one)' }

/** Asks for a one-line secret, which is never shown; sealed as it comes in. */
export async function askOneLineSecret(
  streams: Streams,
  question: SecretQuestion,
): Promise<Secret<string> | undefined> {
  const { label, check, empty } = question
  for (;;) {
    const watch = watchForLines(streams)
    const text = await promptHidden(streams, label + EMPTY_HINTS[empty], answer => {
      if (answer !== '') return check(answer)
      return empty === 'refuse' ? 'a value is needed' : undefined
    }).finally(watch.stop)
    // The rest of a paste of several lines would be taken, and shown, as the answer to the next question.
    const more = await discardInput(streams)
    if (!more && !watch.severalLines()) return text === '' ? undefined : new Secret(text)
    printWarning(streams, 'several lines came at once, and this secret is a single line; nothing of it was kept')
  }
}

/** Asks for a secret of several lines: from a file, or pasted unseen. */
export async function askLongSecret(streams: Streams, question: SecretQuestion): Promise<Secret<string> | undefined> {
  for (;;) {
    const { path, spilled } = await promptPath(streams, question)
    if (spilled) {
      await discardInput(streams)
      continue
    }
    if (path === '' && question.empty !== 'refuse') return undefined
    const got =
      path === '' || path === '-' ? await pasted(streams, question.label) : await fileText(path, streams.env.HOME)
    const problem = 'problem' in got ? got.problem : question.check(got.text)
    if (problem === undefined && 'text' in got) return new Secret(got.text)
    printWarning(streams, `${question.label}: ${problem}`)
  }
}

/** Has a secret of several lines pasted, unseen. */
export async function pasteSecret(streams: Streams, label: string): Promise<Secret<string>> {
  return new Secret((await pasted(streams, label)).text)
}

const INPUT_HINTS = {
  refuse: 'Enter to paste it',
  leave: '- to paste it, Enter for none',
  keep: '- to paste it, Enter keeps it',
}

async function promptPath(streams: Streams, { label, empty }: SecretQuestion) {
  let spilled = false
  // Whoever pastes the key itself here must not see it on the screen: from its first sign on, nothing is shown.
  const shown = (text: string) => {
    spilled ||= looksLikeContent(text)
    return spilled ? '(not shown)' : text
  }
  const check = (text: string) =>
    text !== '' && (spilled || looksLikeContent(text))
      ? 'this is no path, and nothing of it is kept: press Ctrl-U, then Enter, to start again'
      : undefined
  const path = await promptLine(streams, { message: `${label}: path to a file, ${INPUT_HINTS[empty]}:`, check, shown })
  return { path, spilled }
}

function looksLikeContent(text: string): boolean {
  return /----|^\s*[{[]/.test(text) || text.length > 512
}

async function pasted(streams: Streams, label: string): Promise<{ text: string }> {
  const ending = 'Paste it now: it is not shown. End with Ctrl-D, or with a line that is only a dot.'
  writeMessage(streams, `${toPrintable(label)}: ${ending}\n`)
  return { text: await readPasted(streams) }
}

async function fileText(path: string, home: string | undefined): Promise<{ text: string } | { problem: string }> {
  const full = home && path.startsWith('~/') ? join(home, path.slice(2)) : path
  try {
    const text = decodeUtf8(await readAtMost(full, MAX_REQUEST_BYTES))
    return text === undefined ? { problem: 'the file is not UTF-8 text' } : { text }
  } catch (error) {
    return { problem: `the file ${describeReadError(error)}` }
  }
}

function watchForLines({ stdin }: Streams): { stop: () => void; severalLines: () => boolean } {
  let several = false
  const onData = (chunk: Buffer | string) => {
    several ||= /[\r\n]+[^\r\n]/.test(chunk.toString())
  }
  stdin.on('data', onData)
  return { stop: () => stdin.removeListener('data', onData), severalLines: () => several }
}
