import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'

export interface RunOptions {
  /** Beside PATH, HOME and DSCTL_CONFIG_DIR, the only environment there is. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Written to standard input, which then ends. Without it standard input is /dev/null. */
  readonly stdin?: string | Buffer | undefined
  readonly cwd?: string | undefined
  /** In milliseconds, after which it is killed; 30 seconds unless given. */
  readonly timeout?: number | undefined
  /** A home folder kept from an earlier call; a fresh one unless given. */
  readonly home?: string | undefined
}

export interface RunResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly result: Promise<RunResult>
  /** What it has written so far. */
  readonly stdout: () => string
  readonly stderr: () => string
}

/** The real command's file. */
export const BIN = fileURLToPath(new URL('../../bin/dsctl.js', import.meta.url))

/** Runs `dsctl ARGS` to its end, in a process of its own with a clean environment. */
export function dsctl(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return startDsctl(args, options).result
}

/** Starts `dsctl ARGS` without waiting for its end, for tests that interrupt or kill it. */
export function startDsctl(args: readonly string[], options: RunOptions = {}): Running {
  const build = inject('build')
  if (build) throw new Error(`dsctl was not built:\n${build}`)
  return start([BIN, ...args], options)
}

/** Starts a Node script as `startDsctl` starts the command. */
export function start(nodeArgs: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(process.execPath, nodeArgs, {
    cwd: options.cwd,
    env: cleanEnvironment(options.env, options.home ?? temporaryFolder()),
    stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  // A command that fails early closes its end; that is not the test's failure.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.stdin)
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 30_000)
  const result = new Promise<RunResult>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout: stdout(), stderr: stderr() })
    })
  })
  return { child, result, stdout, stderr }
}

/** PATH, a home folder, a settings folder inside it, and nothing else that is not given. */
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

/** What a run printed on standard output, parsed. Says what it printed instead where that is no JSON. */
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

function parse(text: string, result: RunResult) {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`No JSON document (exit ${result.code}).\nstdout: ${result.stdout}\nstderr: ${result.stderr}`)
  }
}
