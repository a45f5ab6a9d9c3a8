import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { cleanEnvironment } from './run.ts'

// Runs commands in running processes, because starting a process costs more than a command.

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A process that runs commands. */
export interface Worker {
  /** `version` is the version that the command records in the audit trail. Undefined if the process was killed. */
  run(command: {
    args: readonly string[]
    env: Readonly<Record<string, string>>
    version: string
    stdin?: string | undefined
  }): Promise<Ended | undefined>
  /** Makes the calls that the command waits for time out. */
  expire(): void
  /** Sends SIGKILL. Resolves when the process has exited. */
  kill(): Promise<void>
}

export interface Workers {
  /** Takes a free worker. */
  take(): Promise<Worker>
  /** Starts another worker, for the next take(). */
  prepare(): void
  /** Returns an idle worker. */
  give(worker: Worker): void
  close(): void
}

/** The built program. */
export const PROGRAM = fileURLToPath(new URL('../../dist/run.js', import.meta.url))

/**
 * Keeps a pool of workers. With `timeout` (in seconds), the --timeout of all commands, the pool controls the time: see
 * worker.js.
 */
export function workers(home: string, { program = PROGRAM, timeout }: { program?: string; timeout?: number }): Workers {
  const build = inject('build')
  if (build) throw new Error(`dsctl was not built:\n${build}`)
  const spare: Promise<Worker>[] = []
  const all = new Set<ChildProcess>()
  const start = () => {
    const args = [program, ...(timeout === undefined ? [] : [String(timeout * 1000)])]
    const child = fork(fileURLToPath(new URL('worker.js', import.meta.url)), args, {
      env: cleanEnvironment({}, home),
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    all.add(child)
    child.on('exit', () => all.delete(child))
    return ready(child)
  }
  return {
    take: () => spare.shift() ?? start(),
    prepare() {
      const next = start()
      next.catch(() => {}) // nobody may ever take it
      spare.push(next)
    },
    give(worker) {
      spare.unshift(Promise.resolve(worker))
    },
    close() {
      for (const child of all) child.kill('SIGKILL')
    },
  }
}

async function ready(child: ChildProcess): Promise<Worker> {
  const running = new Map<number, (ended: Ended | undefined) => void>()
  const gone = new Promise<void>(resolve => {
    child.on('exit', () => {
      for (const end of running.values()) end(undefined)
      resolve()
    })
  })
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve())
    child.once('exit', code => reject(new Error(`A worker ended with ${code} before it was ready.`)))
  })
  child.on('message', message => {
    const { id, ended } = message as { id: number; ended: Ended }
    running.get(id)?.(ended)
    running.delete(id)
  })
  let count = 0
  return {
    run: command =>
      new Promise(resolve => {
        running.set(++count, resolve)
        child.send({ id: count, run: command })
      }),
    expire: () => void child.send({ expire: true }),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
