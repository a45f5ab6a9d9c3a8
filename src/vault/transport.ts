import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { parseExactJson, stringifyExactJson } from '../lib/exact-json.ts'
import type { Backend } from '../ports/backend.ts'
import { HttpsRequired, NoResponse, ResponseTooLong } from './no-response.ts'
import { type RequestTarget, type ServerAddress, targetParser } from './server-address.ts'

/** A request, as node-vault passes it. */
interface RequestOptions {
  readonly uri: string
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
}

export interface TransportResponse {
  readonly statusCode: number
  readonly body: unknown
  /** Required by node-vault, which puts it into the message of its error. */
  readonly request: { readonly method: string; readonly path: string }
}

/**
 * Sends node-vault's requests with node:http over keep-alive connections, instead of with axios, whose errors hold the
 * token and the body. Follows the redirects of a standby node. Throws NoResponse. Error statuses are responses.
 */
export function createTransport(backend: Backend, caCert: string | undefined) {
  const plainSender: Sender = { request: httpRequest, agent: new Agent({ keepAlive: true }) }
  let secureSender: Promise<Sender> | undefined
  const senderFor = ({ isSecure }: ServerAddress) => {
    if (!isSecure) return plainSender
    secureSender ??= createSecureSender(caCert)
    return secureSender
  }
  const parseTarget = targetParser()
  const send = async (options: RequestOptions): Promise<TransportResponse> => {
    const began = performance.now()
    const target = parseTarget(options.uri)
    const path = target.path.replace(/\?.*$/s, '')
    const trace = (result: number | string) =>
      backend.trace(`vault ${options.method} ${path} ${result}`, performance.now() - began)
    try {
      const context = { parseTarget, senderFor, deadline: began + backend.timeoutMs }
      const { message, text } = await sendFollowingRedirects(options, target, context)
      const statusCode = message.statusCode ?? 0
      trace(statusCode)
      return { statusCode, body: parseJson(text), request: { method: options.method, path } }
    } catch (error) {
      trace('no response')
      throw error
    }
  }
  const close = () => {
    plainSender.agent.destroy()
    secureSender?.then(({ agent }) => agent.destroy()).catch(() => {}) // the request has already reported this error
  }
  return { requestPromise: { defaults: () => send }, close }
}

/** Sends requests by HTTP or by HTTPS. */
interface Sender {
  readonly request: typeof httpRequest
  readonly agent: Agent
}

// node:https is imported lazily: loading it takes longer than a request.
async function createSecureSender(caCert: string | undefined): Promise<Sender> {
  const { Agent, request } = await import('node:https')
  return { request, agent: new Agent({ keepAlive: true, ...(caCert !== undefined && { ca: caCert }) }) }
}

interface SendContext {
  readonly parseTarget: (url: string) => RequestTarget
  readonly senderFor: (server: ServerAddress) => Sender | Promise<Sender>
  /** In milliseconds of performance.now(). */
  readonly deadline: number
}

interface Received {
  readonly message: IncomingMessage
  readonly text: string
}

const MAX_REDIRECTS = 3

async function sendFollowingRedirects(
  options: RequestOptions,
  first: RequestTarget,
  { parseTarget, senderFor, deadline }: SendContext,
): Promise<Received> {
  let target = first
  for (let redirects = 0; ; redirects++) {
    const sender = await senderFor(target.server)
    const received = await sendOnce(options, target, { sender, redirects, timeoutMs: deadline - performance.now() })
    const next = redirection(received.message, target)
    if (!next || redirects === MAX_REDIRECTS) return received
    target = parseTarget(next.href)
  }
}

/** The URL that a standby node redirects to. Never from HTTPS to HTTP, which would expose the token. */
function redirection({ statusCode = 0, headers: { location } }: IncomingMessage, from: RequestTarget): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined
  const base = `${from.server.origin}${from.path}`
  const next = URL.canParse(location, base) ? new URL(location, base) : undefined
  const allowed = next?.protocol === 'https:' || (next?.protocol === 'http:' && !from.server.isSecure)
  return allowed ? next : undefined
}

function sendOnce(
  { method, headers, json }: RequestOptions,
  { server, path }: RequestTarget,
  { sender, redirects, timeoutMs }: { sender: Sender; redirects: number; timeoutMs: number },
): Promise<Received> {
  const body = json !== null && typeof json === 'object' ? stringifyExactJson(json) : undefined
  const { hostname, port, basicAuth, isSecure } = server
  return new Promise((resolve, reject) => {
    // A standby node may redirect after it has forwarded the request and lost the response. So after a redirect, the
    // request may have taken effect.
    let sent = redirects > 0
    const fail = (error: unknown) => reject(new NoResponse(sent ? 'maybe' : 'no', server, error))
    const request = sender.request({ hostname, port, path, method, agent: sender.agent })
    request.on('error', fail)
    // NODE_DEBUG prints the options, so the headers, which contain the token, are set separately.
    for (const name in headers) request.setHeader(name, headers[name] ?? '')
    if (basicAuth !== undefined) {
      request.setHeader('authorization', `Basic ${Buffer.from(basicAuth).toString('base64')}`)
    }
    if (body !== undefined) request.setHeader('content-length', Buffer.byteLength(body))
    const timer = setTimeout(() => request.destroy(new Error('time-out')), Math.max(timeoutMs, 1))
    request.on('socket', socket => {
      const connected = () => {
        sent = true
      }
      if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', connected)
      else connected()
    })
    request.on('close', () => clearTimeout(timer))
    request.on('response', message => {
      readBody(message, maxBytes(method)).then(text => {
        if (message.statusCode === 400 && HTTPS_REQUIRED.test(text)) return fail(new HttpsRequired())
        resolve({ message, text })
      }, fail)
    })
    request.end(body)
  })
}

/** The responses of Vault and of nginx to a request in plain HTTP. */
const HTTPS_REQUIRED = /HTTP request (to an HTTPS server|was sent to HTTPS port)/

/** A list holds the ids of all secrets of an organization: 1,000,000 ids take 39 MB. */
function maxBytes(method: string): number {
  return method === 'LIST' ? 64 * MEBIBYTE : 8 * MEBIBYTE
}

const MEBIBYTE = 1024 * 1024

// Uses events, because an async iterator costs as much as the rest of the request.
function readBody(message: IncomingMessage, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    message.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) return void message.destroy(new ResponseTooLong())
      chunks.push(chunk)
    })
    message.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    message.on('error', reject)
    message.on('close', () => message.complete || reject(new Error('The response was cut off.')))
  })
}

// Text that is not JSON is dropped: it comes from a proxy, not from Vault, and may contain anything. Numbers in a
// secret of the application keep all their digits.
function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : parseExactJson(text)
  } catch {
    return undefined
  }
}
