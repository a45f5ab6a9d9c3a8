import type { Credentials } from '../domain/secret.ts'
import type { ConnectionResult, ConnectionTester, Stage } from '../ports/connection-test.ts'
import type { SourceType } from '../source-types/source-type.ts'
import { connectTcp } from './connect-tcp.ts'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { loadDriver } from './load-driver.ts'
import type { Tunnel } from './ssh-tunnel.ts'
import { type Address, optionalText, type TestRun, text } from './test-run.ts'

export interface TesterOptions {
  /** For the whole of one test. */
  readonly timeoutMs: number
  /** Aborted where the program ends: whatever is open then is closed at once. */
  readonly signal: AbortSignal
  readonly trace: (call: string, ms: number) => void
}

/** Tests connections over the network. A driver is loaded when a source needs it. */
export function connectionTester(options: TesterOptions): ConnectionTester {
  return {
    async test(type, credentials) {
      const began = performance.now()
      const verdict = await runTest(type, credentials, options)
      const latencyMs = Math.round(performance.now() - began)
      options.trace(`test ${type.name}`, latencyMs)
      return { ...verdict, latencyMs }
    },
  }
}

type Verdict = Omit<ConnectionResult, 'latencyMs'>

async function runTest(type: SourceType, credentials: Credentials, options: TesterOptions): Promise<Verdict> {
  const end = performance.now() + options.timeoutMs
  const late = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any([late, options.signal])
  const closing: (() => unknown)[] = []
  let stage: Stage = 'resolve'
  let awaited = 'the server does not answer'
  const job: TestRun = {
    credentials,
    signal,
    left: () => Math.max(1, Math.ceil(end - performance.now())),
    enter: next => {
      stage = next
    },
    awaiting: what => {
      awaited = what
    },
    open: opener(() => job),
    // What comes too late to be of use is closed at once.
    closing: close => void (signal.aborted ? close() : closing.push(close)),
  }
  try {
    const driver = await loadDriver(type.driver)
    const serverVersion = await untilAborted(driver(job), signal)
    const message = serverVersion === null ? 'It connects.' : `It connects: ${serverVersion}.`
    return { ok: true, stage: 'query', code: 'ok', message, serverVersion, unknownHostKey: null }
  } catch (error) {
    const {
      code,
      message,
      unknownHostKey = null,
    } = signal.aborted
      ? new ConnectionFailure('timeout', `No end within ${options.timeoutMs / 1000} s: ${awaited}.`)
      : asFailure(error)
    return { ok: false, stage, code, message, serverVersion: null, unknownHostKey }
  } finally {
    for (const close of closing.reverse()) close()
  }
}

/** Straight to the server, or through the source's jump host, to which there is one connection. */
function opener(job: () => TestRun): TestRun['open'] {
  let tunnel: Promise<Tunnel> | undefined
  return async address => {
    const { credentials } = job()
    const host = optionalText(credentials, 'jump_host')
    if (host === undefined) return connectTcp(job(), address)
    tunnel ??= throughJumpHost(job(), { host, port: Number(text(credentials, 'ssh_port') || 22) })
    return (await tunnel).open(address)
  }
}

async function throughJumpHost(job: TestRun, jumpHost: Address): Promise<Tunnel> {
  const [socket, { openTunnel }] = await Promise.all([connectTcp(job, jumpHost), import('./ssh-tunnel.ts')])
  return openTunnel(job, jumpHost, socket)
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new ConnectionFailure('timeout', 'The time is up.'))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject)
  })
}

/** What is no failure of our own is told by its code alone. */
function asFailure(error: unknown): ConnectionFailure {
  if (error instanceof ConnectionFailure) return error
  return new ConnectionFailure(
    'failed',
    `It failed for a reason that dsctl does not know${codeSuffix(errorCode(error))}.`,
  )
}
