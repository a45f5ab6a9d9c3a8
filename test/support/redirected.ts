import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { spawn } from '@lydell/node-pty'
import { BIN, cleanEnvironment, temporaryFolder } from './run.ts'

/** Where a standard stream can lead. */
export type End = 'terminal' | 'pipe' | 'file' | 'null' | 'closed'
export const ENDS: readonly End[] = ['terminal', 'pipe', 'file', 'null', 'closed']

export interface Ends {
  readonly stdin: End
  readonly stdout: End
  readonly stderr: End
}

export interface Redirected {
  /** Null if it had to be killed. */
  readonly code: number | null
  /** The output to a pipe or a file; undefined for other streams. */
  readonly stdout: string | undefined
  readonly stderr: string | undefined
  /** The output to the terminal, unchanged. */
  readonly screen: string
  /** The unread rest of standard input, if it is a pipe or a file. */
  readonly left: string | undefined
}

export interface RedirectedOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly stdin: string
  /** Typed when the screen shows this text. */
  readonly answer?: { readonly to: RegExp; readonly text: string }
}

/** Runs `dsctl ARGS` in a new terminal, with streams redirected as a shell does it. */
export function redirected(args: readonly string[], ends: Ends, options: RedirectedOptions): Promise<Redirected> {
  const folder = join(temporaryFolder(), 'streams')
  mkdirSync(folder)
  writeFileSync(join(folder, 'in'), options.stdin)
  const pty = spawn('bash', ['-c', script(ends), 'bash', process.execPath, BIN, ...args], {
    name: 'xterm-256color',
    cwd: folder,
    env: cleanEnvironment({ TERM: 'xterm-256color', ...options.env }, options.home),
  })
  let screen = ''
  let answered = false
  pty.onData(data => {
    screen += data
    if (answered || !options.answer?.to.test(stripVTControlCharacters(screen))) return
    answered = true
    pty.write(options.answer.text)
  })
  const timer = setTimeout(() => pty.kill('SIGKILL'), 20_000)
  const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined)
  return new Promise(resolve => {
    pty.onExit(() => {
      clearTimeout(timer)
      const code = read('code')
      const found = { stdout: read('out'), stderr: read('err'), left: read('left') }
      resolve({ code: code ? Number(code) : null, screen, ...found })
    })
  })
}

/** The shell command with its redirections. The output of each pipe and the exit code are written to files. */
function script({ stdin, stdout, stderr }: Ends): string {
  const redirections = [IN[stdin], OUT[stdout]?.('', 'out'), OUT[stderr]?.('2', 'err')].filter(Boolean).join(' ')
  let text = `trap '' HUP; { "$@" ${redirections}; echo $? >code; }`
  if (stdin === 'pipe') text = `cat in | { ${text}; cat >left; }`
  if (stdin === 'file') text = `{ ${text}; cat >left; } <in`
  if (stderr === 'pipe') text = `{ { ${text}; } 2>&1 1>&3 3>&- | cat >err; } 3>&1`
  if (stdout === 'pipe') text = `{ ${text}; } | cat >out`
  return text
}

const IN: Readonly<Partial<Record<End, string>>> = { null: '</dev/null', closed: '<&-' }

const OUT: Readonly<Partial<Record<End, (descriptor: string, file: string) => string>>> = {
  file: (descriptor, file) => `${descriptor}>${file}`,
  null: descriptor => `${descriptor}>/dev/null`,
  closed: descriptor => `${descriptor}>&-`,
}
