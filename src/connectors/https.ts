import { Agent, request } from 'node:https'
import { connect } from 'node:tls'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import type { TestRun } from './driver.ts'
import { encrypt, findTlsFailure, TRUST_BY_NODE } from './tls.ts'

export interface HttpResponse {
  readonly status: number
  /** Parsed JSON; undefined if the body is not JSON. */
  readonly body: unknown
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** The bearer token. */
  readonly token: string
  /** Sent as JSON. */
  readonly body?: unknown
}

export type SendHttp = (request: HttpRequest) => Promise<HttpResponse>

const MAX_RESPONSE_BYTES = 1024 * 1024

/** Stages resolve, reach and tls for a service on port 443. Returns the function that sends requests to it. */
export async function openHttps(run: TestRun, host: string): Promise<SendHttp> {
  const address = { host, port: 443 }
  const stream = await run.open(address)
  run.enterStage('tls')
  run.setTimeoutReason('the TLS handshake did not finish')
  const opened = [await encrypt(stream, { host, trust: TRUST_BY_NODE }, {})]
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = () => opened.pop() ?? connect({ host, port: 443, servername: host })
  run.onEnd(() => agent.destroy())
  run.enterStage('authenticate')
  run.setTimeoutReason(`${host} did not respond`)
  return request => send(run, { agent, host }, request)
}

function send(
  run: TestRun,
  { agent, host }: { agent: Agent; host: string },
  { method, path, token, body }: HttpRequest,
): Promise<HttpResponse> {
  const content = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    ...{ authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'dsctl' },
    ...(content !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
  }
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const tls = findTlsFailure(error, { host, trust: TRUST_BY_NODE })
      if (tls) {
        run.enterStage('tls')
        return reject(tls)
      }
      const message = `The connection to ${host} failed${codeSuffix(errorCode(error))}. Check the host.`
      reject(new ConnectionFailure('failed', message))
    }
    const sent = request({ agent, host, path, method, headers, signal: run.signal }, response => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_RESPONSE_BYTES) response.destroy()
        else chunks.push(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parseJson(Buffer.concat(chunks)) }))
      response.on('error', fail)
      response.on('close', () => fail(undefined)) // no effect after 'end', which has resolved
    })
    sent.on('error', fail)
    sent.end(content)
  })
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
