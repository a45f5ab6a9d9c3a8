import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { DsctlError } from '../domain/errors.ts'
import { isColourEnabled } from './colour.ts'
import { watchForCtrlZ, watchForResume } from './job-control.ts'
import { type Input, type Streams, withTerminal } from './streams.ts'

type Inquirer = typeof import('./inquirer.ts')

/** The streams of a prompt, and the signal that ends it. */
export interface PromptContext {
  readonly input: Input
  readonly output: Writable
  readonly signal: AbortSignal
}

/**
 * Shows one inquirer prompt on stderr, with colours only if they are enabled. Throws `interrupted` if the user presses
 * Ctrl-C, presses Ctrl-D on an empty line, or closes the terminal.
 */
export async function withInquirer<T>(
  streams: Streams,
  show: (inquirer: Inquirer, context: PromptContext) => Promise<T>,
): Promise<T> {
  const inquirer = await import('./inquirer.ts')
  return withTerminal(streams, async () => {
    const ended = new AbortController()
    const { output, redraw } = promptOutput(streams)
    const unwatch = [
      watchForEnd(streams.stdin, () => ended.abort()),
      watchForResume(streams, redraw),
      watchForCtrlZ(streams),
    ]
    try {
      const context = { input: streams.stdin, output, signal: ended.signal }
      return await withLineEditing(streams.env, () => show(inquirer, context))
    } catch (error) {
      throw isPromptExit(error) ? new DsctlError('interrupted', 'Interrupted: nothing was changed.') : error
    } finally {
      for (const end of unwatch) end()
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

function isPromptExit(error: unknown): boolean {
  return error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError')
}

// Ctrl-D on an empty line, or closing the terminal, closes readline. The prompt would then never return.
function watchForEnd(stdin: Input, ended: () => void): () => void {
  const onKey = (_: unknown, key: { ctrl?: boolean; name?: string } | undefined) => {
    if (key?.ctrl && key.name === 'd') setImmediate(() => stdin.isPaused() && ended())
  }
  stdin.on('keypress', onKey)
  stdin.on('end', ended)
  return () => {
    stdin.removeListener('keypress', onKey)
    stdin.removeListener('end', ended)
  }
}

// Prompts go to stderr, since stdout is for data. inquirer colours in any case, so what it writes is filtered here.
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
    columns: { get: () => stderr.columns },
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
