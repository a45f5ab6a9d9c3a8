import { Agent, request } from 'node:https'
import { connect } from 'node:tls'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import type { TestRun } from './test-run.ts'
import { encrypt } from './tls.ts'

export interface HttpResponse {
  readonly status: number
  /** Parsed; undefined where it is no JSON. */
  readonly body: unknown
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token: string
  readonly body?: unknown
}

const MAX_ANSWER = 1024 * 1024

/** Stages resolve, reach and tls with a service on https, whose certificate must be good; then sends it requests. */
export async function openHttps(job: TestRun, host: string): Promise<(asked: HttpRequest) => Promise<HttpResponse>> {
  const at = { host, port: 443 }
  const stream = await job.open(at)
  job.enter('tls')
  job.awaiting('the TLS handshake does not come to an end')
  const first = [await encrypt(stream, at, {})]
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = () => first.pop() ?? connect({ host, port: 443, servername: host })
  job.closing(() => agent.destroy())
  job.enter('authenticate')
  job.awaiting(`${host} does not answer the request`)
  return asked => send(job, { agent, host }, asked)
}

function send(
  job: TestRun,
  { agent, host }: { agent: Agent; host: string },
  asked: HttpRequest,
): Promise<HttpResponse> {
  const { method, path, token, body } = asked
  const content = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    ...{ authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'dsctl' },
    ...(content !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
  }
  return new Promise((resolve, reject) => {
    const broken = (error: unknown) => {
      const message = `The connection to ${host} broke${codeSuffix(errorCode(error))}: it may not be what it should be.`
      reject(new ConnectionFailure('failed', message))
    }
    const sent = request({ agent, host, path, method, headers, signal: job.signal }, answer => {
      const chunks: Buffer[] = []
      let size = 0
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_ANSWER) answer.destroy()
        else chunks.push(chunk)
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: parsed(Buffer.concat(chunks)) }))
      answer.on('error', broken)
      answer.on('close', () => broken(undefined)) // after its end this changes nothing
    })
    sent.on('error', broken)
    sent.end(content)
  })
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** A value inside an answer, by the keys that lead to it. */
export function at(body: unknown, ...keys: readonly (string | number)[]): unknown {
  return keys.reduce<unknown>((value, key) => (Object(value) as Record<string | number, unknown>)[key], body)
}
