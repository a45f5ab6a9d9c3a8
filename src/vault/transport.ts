import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Backend } from '../ports/backend.ts'
import { NoAnswer } from './failure.ts'

interface Options {
  readonly uri: string
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
}

export interface Answer {
  readonly statusCode: number
  readonly body: unknown
  /** node-vault puts it into its own error's message: method and path are all it needs. */
  readonly request: { readonly method: string; readonly path: string }
}

/**
 * How node-vault sends its requests: on node:http with connections kept alive, in place of its axios, whose errors
 * hold the token and the body. Follows a standby's redirect. Throws NoAnswer; every status is an answer.
 */
export function transport(backend: Backend, caCert: string | undefined) {
  const plain: Sender = { request: httpRequest, agent: new Agent({ keepAlive: true }) }
  let secure: Promise<Sender> | undefined
  const senderFor = (url: URL) => {
    if (url.protocol !== 'https:') return plain
    secure ??= secureSender(caCert)
    return secure
  }
  const send = async (options: Options): Promise<Answer> => {
    const began = performance.now()
    const url = new URL(options.uri)
    const told = (what: number | string) =>
      backend.trace(`vault ${options.method} ${url.pathname} ${what}`, performance.now() - began)
    try {
      const answer = await exchange({ ...options, url }, senderFor, backend)
      told(answer.statusCode)
      return answer
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

const MOST_REDIRECTS = 3

async function exchange(
  options: Options & { readonly url: URL },
  senderFor: (url: URL) => Sender | Promise<Sender>,
  backend: Backend,
): Promise<Answer> {
  let { url } = options
  const deadline = performance.now() + backend.timeoutMs
  for (let hop = 0; ; hop++) {
    const { message, text } = await once({ ...options, url, hop }, await senderFor(url), deadline - performance.now())
    const next = redirection(message, url)
    if (!next || hop === MOST_REDIRECTS) {
      const request = { method: options.method, path: url.pathname }
      return { statusCode: message.statusCode ?? 0, body: parse(text), request }
    }
    url = next
  }
}

/** Where a standby sends its clients; never from TLS to a connection without, on which the token would be read. */
function redirection({ statusCode = 0, headers: { location } }: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  return next && [from.protocol, 'https:'].includes(next.protocol) ? next : undefined
}

function once(
  { url, method, headers, json, hop }: Options & { readonly url: URL; readonly hop: number },
  { request: begin, agent }: Sender,
  timeout: number,
): Promise<{ message: IncomingMessage; text: string }> {
  const body = json !== null && typeof json === 'object' ? JSON.stringify(json) : undefined
  const secure = url.protocol === 'https:'
  return new Promise((resolve, reject) => {
    // A standby sends its clients on also where it has passed their request on and heard no more of it.
    let sent = hop > 0
    const fail = (error: unknown) => reject(new NoAnswer(sent ? 'maybe' : 'no', url.host, error))
    const request = begin({ ...placeOf(url), method, agent })
    request.on('error', fail)
    // Not among the options, which Node prints where NODE_DEBUG says so, and with them the token.
    for (const [name, value] of Object.entries({ ...headers, ...loginIn(url) })) request.setHeader(name, value)
    if (body !== undefined) request.setHeader('content-length', Buffer.byteLength(body))
    const timer = setTimeout(() => request.destroy(new Error('time-out')), Math.max(timeout, 1))
    request.on('socket', socket => {
      const sending = () => {
        sent = true
      }
      if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', sending)
      else sending()
    })
    request.on('close', () => clearTimeout(timer))
    request.on('response', message => collect(message).then(text => resolve({ message, text }), fail))
    request.end(body)
  })
}

function placeOf({ protocol, hostname, port, pathname, search }: URL) {
  return { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port, path: `${pathname}${search}` }
}

/** What a proxy in front of Vault may ask for, where the address holds it. */
function loginIn({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') return {}
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` }
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
