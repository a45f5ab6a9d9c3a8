import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Fault, faultPlan, gate, type Which } from './faults.ts'
import { listen } from './listen.ts'

/** A request in flight. */
export interface Exchange {
  readonly method: string
  /** With the query, without `/v1/`. */
  readonly path: string
  /** The status of the answer; undefined until there is one. */
  status: number | undefined
  /** Closes the client's connection. The request still reaches Vault. */
  hangUp(): void
}

/** An answer that the proxy sends itself. */
export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface VaultProxy {
  /** Vault's address through the proxy. */
  readonly addr: string
  /** Every request, in the order in which they arrived. */
  readonly exchanges: readonly Exchange[]
  /** Arms a fault at a request; a RegExp is matched against `METHOD path`. */
  at(which: Which, fault: Fault<Exchange, Answer>): void
  /** Disarms all faults. */
  clear(): void
  /** Closes all connections and refuses new ones, until `up`. */
  down(): Promise<void>
  up(): Promise<void>
  /** Accepts requests without answering, until `thaw`. */
  freeze(): void
  thaw(): void
  close(): void
}

/** Sends this answer instead of forwarding the request, for example 503, or a standby's 307 with its Location. */
export function answerWith(status: number, body: unknown = { errors: [] }, headers: Record<string, string> = {}) {
  return { before: () => ({ status, body, headers }) }
}

/** Vault handles the request, but the client gets this answer. */
export function answerAfterwardsWith(status: number, body: unknown = { errors: [] }) {
  return { after: () => ({ status, body }) }
}

/** A proxy in front of Vault (or of the node that `vaultAddr` returns) that records requests and injects faults. */
export async function vaultProxy(vaultAddr: string | (() => string)): Promise<VaultProxy> {
  const plan = faultPlan<Exchange, Answer>(exchange => `${exchange.method} ${exchange.path}`)
  const { open, freeze, thaw } = gate()
  const sockets = new Set<Socket>()
  const serve = () =>
    createServer((incoming, response) => {
      // Only a network fault can fail here, and the client sees it.
      const addr = typeof vaultAddr === 'string' ? vaultAddr : vaultAddr()
      relay({ vaultAddr: addr, plan, open }, incoming, response).catch(() => incoming.socket.destroy())
    }).on('connection', socket => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
  let server = serve()
  const port = await listen(server)
  const down = async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return {
    addr: `http://127.0.0.1:${port}`,
    exchanges: plan.seen,
    at: plan.at,
    clear: plan.clear,
    down,
    async up() {
      server = serve()
      await listen(server, port)
    },
    freeze,
    thaw,
    close: () => void down(),
  }
}

interface Relay {
  readonly vaultAddr: string
  readonly plan: ReturnType<typeof faultPlan<Exchange, Answer>>
  readonly open: () => Promise<void>
}

async function relay({ vaultAddr, plan, open }: Relay, incoming: IncomingMessage, response: ServerResponse) {
  const body = await content(incoming)
  await open()
  const { method = '', url = '' } = incoming
  const hangUp = () => void incoming.socket.destroy()
  const exchange: Exchange = { method, path: url.replace(/^\/v1\//, ''), status: undefined, hangUp }
  plan.seen.push(exchange)
  const before = await plan.ask(exchange, 'before')
  if (before === 'cut') return void incoming.socket.destroy()
  if (before === 'swallow') return
  if (before) return give(response, exchange, before)
  const answer = await forward(vaultAddr, incoming, body)
  exchange.status = answer.status
  const after = await plan.ask(exchange, 'after')
  if (after === 'cut') return void incoming.socket.destroy()
  await open()
  if (after !== 'swallow') give(response, exchange, after ?? answer)
}

async function content(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Forwards the request on a new connection, so that it arrives even if its sender has exited. */
function forward(vaultAddr: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const kept = { ...headers, host: new URL(vaultAddr).host, connection: 'close' }
    const options = { headers: kept, agent: false, ...(method !== undefined && { method }) }
    const sent = request(`${vaultAddr}${url}`, options, answer => {
      const location = answer.headers.location
      content(answer).then(text => {
        resolve({ status: answer.statusCode ?? 0, body: text, ...(location && { headers: { Location: location } }) })
      }, reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function give(response: ServerResponse, exchange: Exchange, { status, body, headers }: Answer): void {
  exchange.status = status
  const text = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body))
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length, ...headers })
  response.end(text)
}
