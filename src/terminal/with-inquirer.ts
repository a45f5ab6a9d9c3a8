import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { DsctlError } from '../domain/errors.ts'
import { isColourEnabled } from './colour.ts'
import { watchForCtrlZ, watchForResume } from './job-control.ts'
import { PromptCancelled, WentBack } from './prompt-exit.ts'
import { type PromptKeys, promptKeys } from './prompt-keys.ts'
import { type Input, type Streams, withTerminal } from './streams.ts'
import { terminalWidth } from './terminal-width.ts'

type Inquirer = typeof import('./inquirer.ts')

/** The streams of a prompt, and the signal that ends it. */
export interface PromptContext {
  readonly input: Input
  readonly output: Writable
  readonly signal: AbortSignal
  /** Whether to erase the prompt when it ends. */
  clearPromptOnDone: boolean
}

/** Why a prompt ended without an answer. */
type Ending = 'cancelled' | 'went back' | 'input ended'

/**
 * Shows one inquirer prompt on stderr, with colours only if they are enabled. Throws PromptCancelled if the user
 * presses Ctrl-C, or Ctrl-D on an empty line, WentBack for Escape if going back is possible, and `interrupted` if the
 * terminal is closed.
 */
export async function withInquirer<T>(
  streams: Streams,
  show: (inquirer: Inquirer, context: PromptContext) => Promise<T>,
): Promise<T> {
  const inquirer = await import('./inquirer.ts')
  return withTerminal(streams, async () => {
    const ended = new AbortController()
    const { output, redraw } = promptOutput(streams)
    const input = promptKeys(streams.stdin)
    const context = { input, output, signal: ended.signal, clearPromptOnDone: false }
    const end = (how: Ending) => {
      context.clearPromptOnDone = how === 'went back'
      ended.abort(how)
    }
    const unwatch = [
      watchForEnding(streams, input, end),
      watchForResume(streams, redraw),
      watchForCtrlZ(streams, input),
    ]
    try {
      return await withLineEditing(streams.env, () => show(inquirer, context))
    } catch (error) {
      throw promptExit(error, ended.signal.reason) ?? error
    } finally {
      for (const stop of unwatch) stop()
      input.detach()
    }
  })
}

// With TERM=dumb, Node's readline takes Backspace as a character of the answer. It reads the variable when it starts.
function withLineEditing<T>(env: NodeJS.ProcessEnv, begin: () => T): T {
  const { TERM } = env
  if (TERM !== 'dumb') return begin()
  delete env.TERM
  try {
    return begin()
  } finally {
    env.TERM = TERM
  }
}

function promptExit(error: unknown, ending: Ending): Error | undefined {
  const name = error instanceof Error ? error.name : ''
  if (name === 'ExitPromptError') return new PromptCancelled()
  if (name !== 'AbortPromptError') return undefined
  if (ending === 'went back') return new WentBack()
  return ending === 'cancelled'
    ? new PromptCancelled()
    : new DsctlError('interrupted', 'The input ended: nothing was changed.')
}

// Ctrl-D on an empty line, or closing the terminal, closes readline. The prompt would then never return.
function watchForEnding({ stdin, canGoBack }: Streams, keys: PromptKeys, end: (how: Ending) => void): () => void {
  const onKey = (_: unknown, key: { ctrl?: boolean; name?: string } | undefined) => {
    if (key?.name === 'escape' && canGoBack) end('went back')
    if (key?.ctrl && key.name === 'd') setImmediate(() => stdin.isPaused() && end('cancelled'))
  }
  const onEnd = () => end('input ended')
  keys.on('keypress', onKey)
  keys.on('end', onEnd)
  return () => {
    keys.removeListener('keypress', onKey)
    keys.removeListener('end', onEnd)
  }
}

// Prompts go to stderr, since stdout is for data. inquirer always colours its output, so this removes the colours.
function promptOutput(streams: Streams): { output: Writable; redraw: () => void } {
  const { stderr } = streams
  const plain = !isColourEnabled(streams, stderr)
  let drawn = ''
  const output = new Writable({
    decodeStrings: false,
    write(chunk: unknown, _, done) {
      const text = plain ? withoutColours(String(chunk)) : String(chunk)
      // A prompt is drawn with one write. A write without text only moves the cursor.
      drawn = stripVTControlCharacters(text) === '' ? drawn + text : text
      stderr.write(text)
      done()
    },
  })
  Object.defineProperties(output, {
    isTTY: { get: () => stderr.isTTY },
    columns: { get: () => terminalWidth(streams, stderr) },
    rows: { get: () => stderr.rows },
  })
  return { output, redraw: () => stderr.write(`\r\u001b[J${drawn.split(REDRAW_START).at(-1)}`) }
}

/** Inquirer writes this before it draws a prompt over the previous one. */
const REDRAW_START = '\u001b[2K\u001b[G'

function withoutColours(text: string): string {
  const [first = '', ...rest] = text.split('\u001b[')
  return first + rest.map(part => (/^[\d;]*m/.test(part) ? part.replace(/^[\d;]*m/, '') : `\u001b[${part}`)).join('')
}
