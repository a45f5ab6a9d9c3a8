import type { Credentials } from '../domain/secret.ts'
import { isMissingModule } from '../lib/missing-module.ts'
import type { ConnectionResult, ConnectionTester, Stage } from '../ports/connection-test.ts'
import type { SourceType } from '../source-types/source-type.ts'
import { connectTcp } from './connect-tcp.ts'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, optionalText, type TestRun, text } from './driver.ts'
import { loadDriver } from './load-driver.ts'
import type { Tunnel } from './ssh-tunnel.ts'

export interface TesterOptions {
  /** Limit for one test, all stages together. */
  readonly timeoutMs: number
  /** Aborted when the program exits, to close all open connections at once. */
  readonly signal: AbortSignal
  readonly trace: (call: string, ms: number) => void
}

/** Tests connections over the network. */
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
  const timeout = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any([timeout, options.signal])
  const onEnd: (() => unknown)[] = []
  let stage: Stage = 'resolve'
  let timeoutReason = 'the server did not answer'
  const run: TestRun = {
    credentials,
    signal,
    remainingMs: () => Math.max(1, Math.ceil(end - performance.now())),
    enterStage: next => {
      stage = next
    },
    setTimeoutReason: reason => {
      timeoutReason = reason
    },
    open: opener(() => run),
    // A connection that opens after the test has ended is closed at once.
    onEnd: close => void (signal.aborted ? close() : onEnd.push(close)),
  }
  try {
    const driver = await loadDriver(type.driver)
    const serverVersion = await untilAborted(driver(run), signal)
    const message = serverVersion === null ? 'Connected.' : `Connected: ${serverVersion}.`
    return { ok: true, stage: 'query', code: 'ok', message, serverVersion, unknownHostKey: null }
  } catch (error) {
    if (isMissingModule(error)) throw error // says nothing about the connection
    const {
      code,
      message,
      unknownHostKey = null,
    } = signal.aborted
      ? new ConnectionFailure('timeout', `Timed out after ${options.timeoutMs / 1000} s: ${timeoutReason}.`)
      : toFailure(error)
    return { ok: false, stage, code, message, serverVersion: null, unknownHostKey }
  } finally {
    for (const close of onEnd.reverse()) close()
  }
}

/** Connects directly, or through the data source's jump host. All connections share one tunnel. */
function opener(getRun: () => TestRun): TestRun['open'] {
  let tunnel: Promise<Tunnel> | undefined
  return async address => {
    const run = getRun()
    const host = optionalText(run.credentials, 'jump_host')
    if (host === undefined) return connectTcp(run, address)
    tunnel ??= connectToJumpHost(run, { host, port: Number(text(run.credentials, 'ssh_port') || 22) })
    return (await tunnel).open(address)
  }
}

async function connectToJumpHost(run: TestRun, jumpHost: Address): Promise<Tunnel> {
  const [socket, { openTunnel }] = await Promise.all([connectTcp(run, jumpHost), import('./ssh-tunnel.ts')])
  const sockets = [socket]
  return openTunnel(run, jumpHost, async () => sockets.pop() ?? connectTcp(run, jumpHost))
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new ConnectionFailure('timeout', 'Timed out.'))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject)
  })
}

/** Only the code of an unexpected error is shown: its message may hold a secret. */
function toFailure(error: unknown): ConnectionFailure {
  if (error instanceof ConnectionFailure) return error
  return new ConnectionFailure('failed', `The test failed with an unexpected error${codeSuffix(errorCode(error))}.`)
}
