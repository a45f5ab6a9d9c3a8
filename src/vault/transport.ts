import type { IncomingMessage } from 'node:http'
import { parseExactJson, stringifyExactJson } from '../lib/exact-json.ts'
import type { Backend } from '../ports/backend.ts'
import { type ConnectionOptions, openConnections } from './connections.ts'
import { HttpsRequired, NoResponse, ResponseTooLong } from './no-response.ts'
import { redirection } from './redirection.ts'
import { failOnRefusedTunnel, onceConnected } from './request-events.ts'
import { retryDelay } from './retry-delay.ts'
import type { Sender } from './sender.ts'
import { type RequestTarget, type ServerAddress, targetParser } from './server-address.ts'

export interface TransportOptions extends ConnectionOptions {
  /** Headers that are added to every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly followRedirects?: boolean
  /** The maximum number of retries of a read if Vault answers that it is not ready. The default is 0. */
  readonly maxRetries?: number
}

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
export function createTransport(backend: Backend, options: TransportOptions) {
  const { headers: extraHeaders, followRedirects = true, maxRetries = 0 } = options
  const { senderFor, close } = openConnections(options)
  const parseTarget = targetParser(options.socketPath)
  let isCached = false
  const sendTry = async (request: RequestOptions): Promise<TransportResponse & { message: IncomingMessage }> => {
    const began = performance.now()
    const target = parseTarget(request.uri)
    const path = target.path.replace(/\?.*$/s, '')
    const trace = (result: number | string) =>
      backend.trace(`vault ${request.method} ${path} ${result}`, performance.now() - began)
    try {
      const deadline = began + backend.timeoutMs
      const context = { parseTarget, senderFor, deadline, extraHeaders, followRedirects }
      const { message, text } = await sendFollowingRedirects(request, target, context)
      const statusCode = message.statusCode ?? 0
      trace(statusCode)
      isCached ||= /^(HIT|MISS)$/.test(String(message.headers['x-cache'] ?? ''))
      return { statusCode, body: parseJson(text), request: { method: request.method, path }, message }
    } catch (error) {
      trace('no response')
      throw error
    }
  }
  const send = async (request: RequestOptions): Promise<TransportResponse> => {
    const end = performance.now() + backend.timeoutMs
    for (let retries = 0; ; retries++) {
      const response = await sendTry(request)
      const delay = retryDelay(request.method, response.message)
      if (retries >= maxRetries || delay === undefined || performance.now() + delay >= end) return response
      await new Promise(resolve => setTimeout(resolve, delay))
    }
  }
  return { requestPromise: { defaults: () => send }, isCached: () => isCached, close }
}

interface SendContext {
  readonly parseTarget: (url: string) => RequestTarget
  readonly senderFor: (server: ServerAddress) => Sender | Promise<Sender>
  /** In milliseconds of performance.now(). */
  readonly deadline: number
  readonly extraHeaders: Readonly<Record<string, string>> | undefined
  readonly followRedirects: boolean
}

interface Received {
  readonly message: IncomingMessage
  readonly text: string
}

const MAX_REDIRECTS = 3

async function sendFollowingRedirects(
  options: RequestOptions,
  first: RequestTarget,
  { parseTarget, senderFor, deadline, extraHeaders, followRedirects }: SendContext,
): Promise<Received> {
  let target = first
  for (let redirects = 0; ; redirects++) {
    const sender = await senderFor(target.server)
    // The headers may contain a login for a gateway in front of Vault. It must not be sent to other hosts.
    const isSameHost = target.server.hostname === first.server.hostname
    const headers = { ...options.headers, ...(isSameHost && extraHeaders) }
    const timeoutMs = deadline - performance.now()
    const received = await sendOnce({ ...options, headers }, target, { sender, redirects, timeoutMs })
    const next = followRedirects ? redirection(received.message, target) : undefined
    if (!next || redirects === MAX_REDIRECTS) return received
    target = parseTarget(next.href)
  }
}

function sendOnce(
  { method, headers, json }: RequestOptions,
  { server, path }: RequestTarget,
  { sender, redirects, timeoutMs }: { sender: Sender; redirects: number; timeoutMs: number },
): Promise<Received> {
  const body = json !== null && typeof json === 'object' ? stringifyExactJson(json) : undefined
  const { hostname, port, basicAuth, socketPath } = server
  return new Promise((resolve, reject) => {
    // A standby node may redirect after it has forwarded the request and lost the response. So after a redirect, the
    // request may have taken effect.
    let sent = redirects > 0
    const fail = (error: unknown) => reject(new NoResponse(sent ? 'maybe' : 'no', { ...server, ...sender }, error))
    const socket = socketPath === undefined ? undefined : { socketPath }
    const request = sender.request({ ...sender.options, hostname, port, path, method, agent: sender.agent, ...socket })
    request.on('error', fail)
    // NODE_DEBUG prints the options, so the headers, which contain the token, are set separately.
    for (const name in headers) request.setHeader(name, headers[name] ?? '')
    request.setHeader('x-vault-request', 'true') // an agent may require it, because a browser cannot send it
    if (basicAuth !== undefined) {
      request.setHeader('authorization', `Basic ${Buffer.from(basicAuth).toString('base64')}`)
    }
    if (body !== undefined) request.setHeader('content-length', Buffer.byteLength(body))
    const timer = setTimeout(
      () => {
        request.destroy()
        fail(new Error('time-out')) // a request that waits for a proxy's tunnel emits no error
      },
      Math.max(timeoutMs, 1),
    )
    onceConnected(request, () => {
      sent = true
    })
    failOnRefusedTunnel(request)
    request.on('close', () => clearTimeout(timer))
    request.on('response', message => {
      readBody(message, maxBytes(path)).then(text => {
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
function maxBytes(path: string): number {
  return path.endsWith('?list=true') ? 64 * MEBIBYTE : 8 * MEBIBYTE
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
