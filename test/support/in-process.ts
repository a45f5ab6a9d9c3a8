import { EventEmitter } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { run } from '../../src/run.ts'
import type { RunResult } from './run.ts'

/** Runs `dsctl ARGS` in this process, for tests that try more command lines than there is time to start. */
export async function inProcess(
  args: readonly string[],
  { env, stdin }: { env: Readonly<Record<string, string>>; stdin: string | Uint8Array },
): Promise<RunResult> {
  const [stdout, stderr] = [collector(), collector()]
  const signals = new EventEmitter()
  const host = {
    argv: ['node', 'dsctl', ...args],
    env,
    stdin: Readable.from([Buffer.from(stdin)], { objectMode: false }),
    stdout: stdout.stream,
    stderr: stderr.stream,
    on: (event: string, listener: (error: unknown) => void) => signals.on(event, listener),
    removeListener: (event: string, listener: () => void) => signals.removeListener(event, listener),
    kill: () => undefined,
    exit: (code: number): never => {
      throw new Error(`It left with ${code} at once.`)
    },
  }
  const code = await run(host, '0.0.0')
  return { code, signal: null, stdout: stdout.text(), stderr: stderr.text() }
}

function collector() {
  const stream = new PassThrough()
  const chunks: Buffer[] = []
  stream.on('data', chunk => chunks.push(chunk))
  return { stream, text: () => Buffer.concat(chunks).toString() }
}
