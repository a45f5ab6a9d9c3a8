import { connect, createServer, type Socket } from 'node:net'
import { type Fault, faultPlan, gate, type Which } from './faults.ts'
import { listen } from './listen.ts'
import {
  CANCEL_REQUEST,
  cstring,
  cstrings,
  GSS_REQUEST,
  SSL_REQUEST,
  type WireMessage,
  wireMessage,
  wireReader,
} from './wire.ts'

/** A statement in flight: a simple query, or an extended one from Parse to Sync. */
export interface Statement {
  readonly sql: string
  /** The number of its connection, from 1. */
  readonly connection: number
  /** Closes the client's connection. The statement still reaches Postgres. */
  hangUp(): void
}

/** An error that the proxy sends itself. A fatal error closes the connection. */
export interface Refusal {
  readonly sqlState: string
  readonly message: string
  readonly fatal?: boolean
  readonly table?: string
}

/** Sends this error instead of forwarding the statement. */
export function refuseWith(refusal: Refusal) {
  return { before: () => refusal }
}

/** Postgres runs the statement, but the client gets this error. */
export function refuseAfterwardsWith(refusal: Refusal) {
  return { after: () => refusal }
}

export interface PostgresProxy {
  /** The database's URL through the proxy. */
  readonly url: string
  /** Every statement in order of arrival, including held ones. */
  readonly statements: readonly Statement[]
  /** All other messages in order: connections, cancel requests, terminations. */
  readonly events: readonly ('startup' | 'cancel' | 'terminate')[]
  /** Arms a fault at a statement. */
  at(which: Which, fault: Fault<Statement, Refusal>): void
  /** Rejects every connection with an error, until `clear`. */
  refuse(refusal: Refusal): void
  /** Disarms all faults. */
  clear(): void
  /** Closes all connections and refuses new ones, until `up`. */
  down(): Promise<void>
  up(): Promise<void>
  /** Accepts connections and data without answering, until `thaw`. */
  freeze(): void
  thaw(): void
  close(): void
}

interface Proxy {
  readonly target: { readonly host: string; readonly port: number }
  readonly plan: ReturnType<typeof faultPlan<Statement, Refusal>>
  readonly gate: ReturnType<typeof gate>
  readonly events: ('startup' | 'cancel' | 'terminate')[]
  readonly sockets: Set<Socket>
  connections: number
  refusal: Refusal | undefined
}

/** A proxy in front of Postgres that records statements and injects faults. */
export async function postgresProxy(databaseUrl: string): Promise<PostgresProxy> {
  const url = new URL(databaseUrl)
  const proxy: Proxy = {
    target: { host: url.hostname, port: Number(url.port || 5432) },
    plan: faultPlan<Statement, Refusal>(statement => statement.sql),
    gate: gate(),
    events: [],
    sockets: new Set(),
    connections: 0,
    refusal: undefined,
  }
  const serve = () => createServer({ allowHalfOpen: true }, client => relay(proxy, client))
  let server = serve()
  const port = await listen(server)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  const down = async () => {
    server.close()
    for (const socket of proxy.sockets) socket.destroy()
  }
  return {
    url: url.href,
    statements: proxy.plan.seen,
    events: proxy.events,
    at: proxy.plan.at,
    refuse(refusal) {
      proxy.refusal = refusal
    },
    clear() {
      proxy.plan.clear()
      proxy.refusal = undefined
    },
    down,
    async up() {
      server = serve()
      await listen(server, port)
    },
    freeze: proxy.gate.freeze,
    thaw: proxy.gate.thaw,
    close: () => void down(),
  }
}

/** A client's connection, with its connection to the server. */
interface Link {
  readonly proxy: Proxy
  readonly connection: number
  readonly client: Socket
  readonly server: Socket
  /** Called with each message of the server, and with undefined when the server has closed the connection. */
  hear: (answer: WireMessage | undefined) => void
  /** The SQL of prepared statements by name. */
  readonly prepared: Map<string, string>
}

function relay(proxy: Proxy, client: Socket): void {
  const server = connect(proxy.target)
  const passOn = (answer: WireMessage | undefined) => void (answer ? client.write(answer.raw) : client.end())
  const link: Link = { proxy, connection: ++proxy.connections, client, server, hear: passOn, prepared: new Map() }
  for (const socket of [client, server]) {
    socket.setNoDelay(true)
    proxy.sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => proxy.sockets.delete(socket))
  }
  const read = wireReader('backend')
  server.on('data', chunk => {
    for (const answer of read(chunk)) link.hear(answer)
  })
  server.on('close', () => link.hear(undefined))
  pumpClient(link)
}

function pumpClient(link: Link): void {
  const read = wireReader('frontend')
  let work = Promise.resolve()
  let batch: WireMessage[] = []
  const then = (step: () => Promise<void> | void) => {
    work = work.then(link.proxy.gate.open).then(step)
  }
  link.client.on('data', chunk => {
    for (const message of read(chunk)) {
      batch.push(message)
      if (message.type !== '' && !'QSXp'.includes(message.type)) continue
      const whole = batch
      batch = []
      then(() => pass(link, whole))
    }
  })
  // Only after all data is forwarded: a network delivers a message even if its sender has exited.
  link.client.on('end', () => then(() => void link.client.end()))
  link.client.on('close', () => then(() => void link.server.end()))
}

async function pass(link: Link, batch: WireMessage[]): Promise<void> {
  const { proxy, client, server } = link
  const raw = Buffer.concat(batch.map(message => message.raw))
  if (isBesideStatements(link, batch[0])) return proxy.refusal ? tell(link, proxy.refusal) : void server.write(raw)
  if (batch[0]?.type === '') return void client.write('N')
  const hangUp = () => void client.destroy()
  const statement: Statement = { sql: sqlOf(link, batch), connection: link.connection, hangUp }
  proxy.plan.seen.push(statement)
  const before = await proxy.plan.ask(statement, 'before')
  if (before === 'cut') return cut(link)
  if (before === 'swallow' || server.destroyed) return
  if (before) return tell(link, before)
  const answer = await answered(link, raw)
  const after = await proxy.plan.ask(statement, 'after')
  if (after === 'cut') return cut(link)
  await proxy.gate.open()
  if (after && after !== 'swallow') return tell(link, after)
  if (after !== 'swallow' && client.writable) client.write(answer)
  if (server.destroyed) client.end()
}

/** Whether a message is forwarded without being counted or answered. The proxy answers SSL requests itself. */
function isBesideStatements({ proxy }: Link, message: WireMessage | undefined): boolean {
  if (message?.type === 'X') proxy.events.push('terminate')
  if (message?.type !== '') return message?.type === 'X' || message?.type === 'p'
  const code = message.body.readInt32BE(0)
  if (code === SSL_REQUEST || code === GSS_REQUEST) return false
  proxy.events.push(code === CANCEL_REQUEST ? 'cancel' : 'startup')
  return true
}

/** Sends an error, then ReadyForQuery, or closes the connection if the error is fatal. */
function tell(
  { client, server, proxy }: Link,
  { sqlState, message, table, fatal = proxy.refusal !== undefined }: Refusal,
) {
  const severity = fatal ? 'FATAL' : 'ERROR'
  const fields = [`S${severity}`, `V${severity}`, `C${sqlState}`, `M${message}`, ...(table ? [`t${table}`] : [])]
  const error = wireMessage('E', ...fields.map(cstring), Buffer.from([0]))
  if (!fatal) return void client.write(Buffer.concat([error, wireMessage('Z', Buffer.from('I'))]))
  client.end(error)
  server.end()
}

function cut({ client, server }: Link): void {
  client.destroy()
  server.end()
}

function sqlOf(link: Link, batch: WireMessage[]): string {
  for (const { type, body } of batch) {
    const [first = '', second = ''] = cstrings(body)
    if (type === 'Q') return first
    if (type === 'P') link.prepared.set(first, second)
    // A Bind message has the name of the portal, then that of the prepared statement.
    if (type === 'P' || type === 'B') return type === 'P' ? second : (link.prepared.get(second) ?? '')
  }
  return ''
}

/** Sends a statement and collects its answer, up to ReadyForQuery or the end of the connection. */
function answered(link: Link, statement: Buffer): Promise<Buffer> {
  const { hear } = link
  const parts: Buffer[] = []
  return new Promise(resolve => {
    link.hear = answer => {
      if (answer) parts.push(answer.raw)
      if (answer && answer.type !== 'Z') return
      link.hear = hear
      resolve(Buffer.concat(parts))
    }
    link.server.write(statement)
  })
}
