import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Backend } from '../ports/backend.ts'
import { NoResponse } from './errors.ts'

interface Options {
  readonly uri: string
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
}

export interface TransportResponse {
  readonly statusCode: number
  readonly body: unknown
  /** node-vault puts it into its own error's message: method and path are all it needs. */
  readonly request: { readonly method: string; readonly path: string }
}

/**
 * How node-vault sends its requests: on node:http with connections kept alive, in place of its axios, whose errors
 * hold the token and the body. Follows a standby's redirect. Throws NoAnswer; every status is an answer.
 */
export function createTransport(backend: Backend, caCert: string | undefined) {
  const plain: Sender = { request: httpRequest, agent: new Agent({ keepAlive: true }) }
  let secure: Promise<Sender> | undefined
  const senderFor = ({ isSecure }: Place) => {
    if (!isSecure) return plain
    secure ??= secureSender(caCert)
    return secure
  }
  const targetOf = targets()
  const send = async (options: Options): Promise<TransportResponse> => {
    const began = performance.now()
    const target = targetOf(options.uri)
    const path = target.path.replace(/\?.*$/s, '')
    const told = (what: number | string) =>
      backend.trace(`vault ${options.method} ${path} ${what}`, performance.now() - began)
    try {
      const how = { targetOf, senderFor, deadline: began + backend.timeoutMs }
      const { message, text } = await exchange(options, target, how)
      const statusCode = message.statusCode ?? 0
      told(statusCode)
      return { statusCode, body: parse(text), request: { method: options.method, path } }
    } catch (error) {
      told('no answer')
      throw error
    }
  }
  const close = () => {
    plain.agent.destroy()
    secure?.then(({ agent }) => agent.destroy()).catch(() => {}) // whoever asked for it has been told
  }
  return { requestPromise: { defaults: () => send }, close }
}

/** What sends a request over HTTP or HTTPS, on connections that are kept. */
interface Sender {
  readonly request: typeof httpRequest
  readonly agent: Agent
}

// Loaded where it is used: that takes longer than a request.
async function secureSender(caCert: string | undefined): Promise<Sender> {
  const { Agent, request } = await import('node:https')
  return { request, agent: new Agent({ keepAlive: true, ...(caCert !== undefined && { ca: caCert }) }) }
}

/** A server, as an address names it. */
interface Place {
  /** What all its addresses begin with. */
  readonly start: string
  readonly isSecure: boolean
  readonly host: string
  readonly hostname: string
  readonly port: string
  /** What a proxy in front of Vault may ask for, where the address holds it. */
  readonly login: string | undefined
}

interface Target {
  readonly place: Place
  /** With the query. */
  readonly path: string
}

const START = /^[a-z]+:\/\/[^/?#\\]*/i
/** What URL would leave as it is. */
const PLAIN = /^\/[\w/-]*(?:\?[\w=&-]*)?$/

/** Takes addresses apart. The servers are few and the addresses may be thousands, so each server is looked at once. */
function targets(): (uri: string) => Target {
  let last: Place | undefined
  const targetOf = (uri: string): Target => {
    const [start = ''] = START.exec(uri) ?? []
    const path = uri.slice(start.length)
    if (!PLAIN.test(path)) {
      const { href, pathname, search } = new URL(uri)
      return { ...targetOf(`${START.exec(href)?.[0]}/`), path: `${pathname}${search}` }
    }
    if (last?.start !== start) last = placeAt(start)
    return { place: last, path }
  }
  return targetOf
}

function placeAt(start: string): Place {
  const { protocol, host, hostname, port, username, password } = new URL(start)
  const login = username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { start, isSecure: protocol === 'https:', host, hostname: hostname.replace(/^\[|\]$/g, ''), port, login }
}

interface How {
  readonly targetOf: (uri: string) => Target
  readonly senderFor: (place: Place) => Sender | Promise<Sender>
  /** By performance.now(). */
  readonly deadline: number
}

const MOST_REDIRECTS = 3

async function exchange(
  options: Options,
  first: Target,
  { targetOf, senderFor, deadline }: How,
): Promise<{ message: IncomingMessage; text: string }> {
  let target = first
  for (let hop = 0; ; hop++) {
    const sender = await senderFor(target.place)
    const answer = await once(options, target, { sender, hop, timeout: deadline - performance.now() })
    const next = redirection(answer.message, target)
    if (!next || hop === MOST_REDIRECTS) return answer
    target = targetOf(next.href)
  }
}

/** Where a standby sends its clients; never from TLS to a connection without, on which the token would be read. */
function redirection({ statusCode = 0, headers: { location } }: IncomingMessage, from: Target): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined
  const base = `${from.place.start}${from.path}`
  const next = URL.canParse(location, base) ? new URL(location, base) : undefined
  return next && (next.protocol === 'https:' || (next.protocol === 'http:' && !from.place.isSecure)) ? next : undefined
}

function once(
  { method, headers, json }: Options,
  { place, path }: Target,
  { sender, hop, timeout }: { sender: Sender; hop: number; timeout: number },
): Promise<{ message: IncomingMessage; text: string }> {
  const body = json !== null && typeof json === 'object' ? JSON.stringify(json) : undefined
  const { hostname, port, login, isSecure } = place
  return new Promise((resolve, reject) => {
    // A standby sends its clients on also where it has passed their request on and heard no more of it.
    let sent = hop > 0
    const fail = (error: unknown) => reject(new NoResponse(sent ? 'maybe' : 'no', place.host, error))
    const request = sender.request({ hostname, port, path, method, agent: sender.agent })
    request.on('error', fail)
    // Not among the options, which Node prints where NODE_DEBUG says so, and with them the token.
    for (const name in headers) request.setHeader(name, headers[name] ?? '')
    if (login !== undefined) request.setHeader('authorization', `Basic ${Buffer.from(login).toString('base64')}`)
    if (body !== undefined) request.setHeader('content-length', Buffer.byteLength(body))
    const timer = setTimeout(() => request.destroy(new Error('time-out')), Math.max(timeout, 1))
    request.on('socket', socket => {
      const sending = () => {
        sent = true
      }
      if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', sending)
      else sending()
    })
    request.on('close', () => clearTimeout(timer))
    request.on('response', message => collect(message).then(text => resolve({ message, text }), fail))
    request.end(body)
  })
}

// By its events: an iterator costs as much as the rest of a request, and a batch has thousands.
function collect(message: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    message.on('data', (chunk: Buffer) => void chunks.push(chunk))
    message.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    message.on('error', reject)
    message.on('close', () => message.complete || reject(new Error('The answer was cut.')))
  })
}

// What is no JSON comes from something that is not Vault (a proxy's page): its text is of no use and may be anything.
function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
