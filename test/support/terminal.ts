import { setTimeout as pause } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { spawn } from '@lydell/node-pty'
import { inject } from 'vitest'
import { BIN, cleanEnvironment, type RunOptions, temporaryFolder } from './run.ts'

export interface TerminalOptions extends Pick<RunOptions, 'env' | 'cwd' | 'home'> {
  readonly columns?: number
  readonly rows?: number
}

export interface Terminal {
  /**
   * Types text unchanged; a new line is Enter. Keys that arrive before a prompt reads are lost, so each call waits until
   * the screen is still, and types again if nothing happens.
   */
  type(text: string): void
  press(key: keyof typeof KEYS): void
  /**
   * Waits for text in the output after the last successful wait, so a repeated question is waited for again. Returns the
   * output up to the text.
   */
  waitFor(what: string | RegExp, timeout?: number): Promise<string>
  /** All output without escape codes. A redrawn line appears again. */
  text(): string
  /** All output, unchanged. */
  raw(): string
  resize(columns: number, rows: number): void
  kill(signal: NodeJS.Signals): void
  /** Closes the terminal, as closing its window does. */
  close(): void
  readonly pid: number
  /** Resolves when the program exits. It is killed after 30 seconds. */
  readonly exit: Promise<{ code: number; signal: number | undefined }>
}

/** Time that a prompt may take from drawing to reading, in milliseconds; longer on a busy machine. */
const STILL = 80
/** Time without a reaction after which text is typed again, in milliseconds. */
const UNANSWERED = 3000

export const KEYS = {
  enter: '\r',
  up: '\u001b[A',
  down: '\u001b[B',
  tab: '\t',
  space: ' ',
  backspace: '\u007f',
  escape: '\u001b',
  ctrlC: '\u0003',
  ctrlD: '\u0004',
}

/** Runs `dsctl ARGS` in a pseudo-terminal. */
export function terminal(args: readonly string[], options: TerminalOptions = {}): Terminal {
  const build = inject('build')
  if (build) throw new Error(`dsctl was not built:\n${build}`)
  return openTerminal([BIN, ...args], options)
}

/** Runs a Node script as `terminal` runs the command. */
export function openTerminal(nodeArgs: readonly string[], options: TerminalOptions = {}): Terminal {
  return openProgram(process.execPath, nodeArgs, options)
}

/** Runs any program in a pseudo-terminal. */
export function openProgram(file: string, args: readonly string[], options: TerminalOptions = {}): Terminal {
  const pty = spawn(file, [...args], {
    // Becomes TERM for the program, regardless of `env`.
    name: options.env?.TERM ?? 'xterm-256color',
    cols: options.columns ?? 100,
    rows: options.rows ?? 40,
    env: cleanEnvironment({ ...options.env }, options.home ?? temporaryFolder()),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  })
  const screen = written()
  pty.onData(screen.add)
  const keyboard = keyboardOf(screen, keys => pty.write(keys))
  const timer = setTimeout(() => pty.kill('SIGKILL'), 30_000)
  const exit: Terminal['exit'] = new Promise(resolve => {
    pty.onExit(({ exitCode, signal }) => {
      clearTimeout(timer)
      keyboard.close()
      resolve({ code: exitCode, signal: signal || undefined })
    })
  })
  return {
    type: text => keyboard.type(text.replaceAll('\n', KEYS.enter)),
    press: key => keyboard.type(KEYS[key]),
    waitFor: screen.waitFor,
    text: screen.text,
    raw: screen.raw,
    resize: (columns, rows) => pty.resize(columns, rows),
    kill: signal => pty.kill(signal),
    close: () => (pty as unknown as { destroy(): void }).destroy(),
    pid: pty.pid,
    exit,
  }
}

/** Types texts one after the other. */
function keyboardOf(screen: Pick<ReturnType<typeof written>, 'raw' | 'stillFor'>, write: (keys: string) => void) {
  let open = true
  let last: Promise<unknown> = Promise.resolve()
  const until = async (condition: () => boolean, timeout: number) => {
    for (const end = Date.now() + timeout; open && !condition() && Date.now() < end; ) await pause(10)
  }
  const typeOnce = async (keys: string) => {
    // A spinner never stops drawing.
    await until(() => screen.stillFor() >= STILL, 1000)
    const before = screen.raw().length
    const isAnswered = () => screen.raw().length > before
    // Not typed again: a second Ctrl-C has another meaning than the first.
    for (let tries = keys === KEYS.ctrlC ? 1 : 3; open && tries > 0 && !isAnswered(); tries--) {
      write(keys)
      await until(isAnswered, UNANSWERED)
    }
  }
  return {
    type: (keys: string) => {
      last = last.then(() => typeOnce(keys))
    },
    close: () => {
      open = false
    },
  }
}

function written() {
  let raw = ''
  let drawn = 0
  let read = 0
  const text = () => stripVTControlCharacters(raw).replaceAll('\r', '')
  const waitFor: Terminal['waitFor'] = async (what, timeout = 10_000) => {
    const deadline = Date.now() + timeout
    for (;;) {
      const unread = text().slice(read)
      const end = endOf(unread, what)
      if (end !== undefined) read += end
      if (end !== undefined) return unread.slice(0, end)
      if (Date.now() >= deadline) throw new Error(`${what} did not appear. There is:\n${unread}`)
      await pause(10)
    }
  }
  const add = (data: string) => {
    raw += data
    drawn = Date.now()
  }
  return { add, text, waitFor, raw: () => raw, stillFor: () => Date.now() - drawn }
}

function endOf(text: string, what: string | RegExp): number | undefined {
  const found = typeof what === 'string' ? what : what.exec(text)?.[0]
  const start = found === undefined ? -1 : typeof what === 'string' ? text.indexOf(what) : text.search(what)
  return start === -1 ? undefined : start + (found ?? '').length
}
