import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { run } from '../../src/run.ts'
import { inFolder } from './in-folder.ts'

export interface RunOptions {
  /** Added to PATH, HOME and DSCTL_CONFIG_DIR. The command sees no other environment variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Written to standard input, which then ends. If undefined, standard input is empty. */
  readonly stdin?: string | Uint8Array | undefined
  readonly cwd?: string | undefined
  /** In milliseconds; the default is 30 seconds. A command in this process then rejects, a process is killed. */
  readonly timeout?: number | undefined
  /** A home folder kept from an earlier call; the default is a new one. */
  readonly home?: string | undefined
}

export interface RunResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that is running. */
export interface Running {
  readonly result: Promise<RunResult>
  /** What it has written so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** Sends it a signal. */
  readonly signal: (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void
}

/** A command that is running in a process of its own. */
export interface Spawned extends Omit<Running, 'signal'> {
  readonly child: ChildProcess
}

/** The file that npm links as `dsctl`. */
export const BIN = fileURLToPath(new URL('../../bin/dsctl.js', import.meta.url))

const PACKAGE = fileURLToPath(new URL('../../package.json', import.meta.url))

export const VERSION: string = JSON.parse(readFileSync(PACKAGE, 'utf8')).version

/**
 * Runs `dsctl ARGS` in this process, from src/, with a clean environment. Use `spawnDsctl` to test what only a process
 * has: a kill, real streams, memory, and environment variables that Node or a package reads.
 */
export function dsctl(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return startDsctl(args, options).result
}

/** Starts `dsctl ARGS` in this process, for tests that do something while it runs. */
export function startDsctl(args: readonly string[], options: RunOptions = {}): Running {
  const { env = {}, stdin, cwd, timeout = 30_000, home = temporaryFolder() } = options
  const readByNode = Object.keys(env).filter(key => READ_BY_NODE.test(key))
  if (readByNode.length) throw new Error(`Use spawnDsctl: only a process of its own can see ${readByNode.join(', ')}.`)
  const stdout = collector()
  const stderr = collector()
  const signals = new EventEmitter()
  const { exited, exit } = exits(args)
  const host = {
    argv: ['node', 'dsctl', ...args],
    env: cleanEnvironment(env, home),
    stdin: Readable.from(stdin === undefined ? [] : [Buffer.from(stdin)], { objectMode: false }),
    stdout: stdout.stream,
    stderr: stderr.stream,
    on: (event: string, listener: (error: unknown) => void) => signals.on(event, listener),
    removeListener: (event: string, listener: () => void) => signals.removeListener(event, listener),
    kill: () => undefined,
    exit,
  }
  const ended = inFolder(cwd, () => run(host, VERSION))
  const result = within(timeout, args, Promise.race([ended, exited])).then(code => {
    return checked(args, { code, signal: null, stdout: stdout.text(), stderr: stderr.text() })
  })
  return { result, stdout: stdout.text, stderr: stderr.text, signal: name => void signals.emit(name) }
}

const READ_BY_NODE = /^(NODE_.*|DEBUG|TMPDIR|TZ|LANG|LC_.*|SSL_CERT_.*)$/

/** What `host.exit` does: a command in this process cannot leave before it has ended, so that is a failure of the test. */
function exits(args: readonly string[]): { exited: Promise<never>; exit: (code: number) => never } {
  let fail: (error: Error) => void = () => {}
  const exited = new Promise<never>((_, reject) => {
    fail = reject
  })
  exited.catch(() => {})
  // A command that has ended leaves its time-out for a slow end running, which then calls this.
  const exit = (code: number) => fail(new Error(`Use spawnDsctl: dsctl ${args.join(' ')} left with ${code}.`)) as never
  return { exited, exit }
}

async function within<T>(ms: number, args: readonly string[], work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`dsctl ${args.join(' ')} did not end within ${ms} ms`)), ms)
  })
  return Promise.race([work, expired]).finally(() => clearTimeout(timer))
}

function collector() {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}

/** Starts the built `dsctl ARGS` in a process of its own, with a clean environment. */
export function spawnDsctl(args: readonly string[], options: RunOptions = {}): Spawned {
  const build = inject('build')
  if (build) throw new Error(`dsctl was not built:\n${build}`)
  return spawnNode([BIN, ...args], options)
}

/** Starts a Node script as `spawnDsctl` starts the command. */
export function spawnNode(nodeArgs: readonly string[], options: RunOptions = {}): Spawned {
  const child = spawn(process.execPath, nodeArgs, {
    cwd: options.cwd,
    env: cleanEnvironment(options.env, options.home ?? temporaryFolder()),
    stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  // A command that fails early closes its end of the pipe.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.stdin)
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 30_000)
  const result = new Promise<RunResult>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      try {
        resolve(checked(nodeArgs, { code, signal, stdout: stdout(), stderr: stderr() }))
      } catch (error) {
        reject(error)
      }
    })
  })
  return { child, result, stdout, stderr }
}

/** Throws if a command printed anything on stderr next to the one document that `-o json` promises. */
function checked(args: readonly string[], result: RunResult): RunResult {
  const isJson = args.some(
    (arg, at) => arg === '-ojson' || (arg === 'json' && /^(-o|--output)$/.test(args[at - 1] ?? '')),
  )
  // After `--`, what looks like the option may be an argument, and of several formats none counts.
  const isClear = !args.includes('--') && args.filter(arg => /^(-o|--output)/.test(arg)).length === 1
  if (isJson && isClear && result.stderr !== '') parse(result.stderr, result)
  return result
}

/** PATH, a home folder, a settings folder inside it, and `env`. */
export function cleanEnvironment(env: RunOptions['env'], home: string): Record<string, string> {
  const all = { PATH: process.env.PATH, HOME: home, DSCTL_CONFIG_DIR: join(home, 'dsctl-config'), ...env }
  return Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = []
  stream?.on('data', chunk => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

/** A new empty folder, removed at the end of the whole run. */
export function temporaryFolder(): string {
  return mkdtempSync(join(inject('folder'), 'home-'))
}

/** What a run printed on standard output, parsed as JSON. Throws with both streams if it is no JSON. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever shape it expects, and fails where it is not so
export function json(result: RunResult): any {
  return parse(result.stdout, result)
}

/** The error document that a run with `-o json` printed on standard error. */
export function jsonError(result: RunResult): { code: string; status: number; exit_code: number; message: string } & {
  hint?: string
  outcome?: string
  id?: string
  fields?: { field: string; message: string }[]
} {
  return parse(result.stderr, result).error
}

/** Standard error of a run with `-o json` that prints only these notes. */
export function notes(...texts: readonly string[]): string {
  return `${JSON.stringify({ notes: texts }, null, 2)}\n`
}

function parse(text: string, result: RunResult) {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`No JSON document (exit ${result.code}).\nstdout: ${result.stdout}\nstderr: ${result.stderr}`)
  }
}
