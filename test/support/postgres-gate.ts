import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { TLSSocket, type TLSSocketOptions } from 'node:tls'
import type { Certificate } from './certificate.ts'
import { listen } from './listen.ts'
import { SSL_REQUEST, wireMessage } from './wire.ts'

export interface GateOptions {
  /** The password that every client must send. If undefined, no password is required. */
  readonly password?: string
  /** If set, TLS with this certificate is required. */
  readonly tls?: Certificate
  readonly tlsOptions?: Pick<TLSSocketOptions, 'maxVersion'>
  /** Sessions without TLS are accepted too. */
  readonly tlsOptional?: boolean
  /** TLS starts without a request: sslnegotiation=direct. */
  readonly direct?: boolean
}

export interface Gate {
  readonly port: number
  /** Each accepted session, and whether it was encrypted. */
  readonly sessions: readonly { readonly encrypted: boolean }[]
  close(): void
}

/** A proxy that requires a password or TLS, in front of a Postgres that requires neither. */
export async function postgresGate(databaseUrl: string, options: GateOptions): Promise<Gate> {
  const sessions: { encrypted: boolean }[] = []
  const server: Server = createServer(socket => {
    socket.on('error', () => {})
    admit(socket, databaseUrl, options, encrypted => sessions.push({ encrypted })).catch(() => socket.destroy())
  })
  const port = await listen(server)
  return { port, sessions, close: () => void server.close() }
}

async function admit(
  socket: Socket,
  databaseUrl: string,
  { password, tls, tlsOptions, tlsOptional, direct }: GateOptions,
  admitted: (encrypted: boolean) => void,
): Promise<void> {
  let client: Socket = socket
  const encrypt = () => {
    client = new TLSSocket(socket, { isServer: true, ...tls, ...tlsOptions, ALPNProtocols: ['postgresql'] })
    client.on('error', () => socket.destroy())
  }
  if (direct) encrypt()
  let first = await packet(client)
  if (first.readInt32BE(4) === SSL_REQUEST) {
    socket.write(tls ? 'S' : 'N')
    if (tls) encrypt()
    first = await packet(client)
  }
  if (tls && !tlsOptional && client === socket) return refuse(client, '28000', 'no pg_hba.conf entry, no encryption')
  if (password !== undefined && (await askPassword(client)) !== password) {
    return refuse(client, '28P01', 'password authentication failed')
  }
  admitted(client !== socket)
  const { hostname, port } = new URL(databaseUrl)
  const server = dial(Number(port), hostname)
  server.on('error', () => client.destroy())
  server.on('close', () => client.destroy())
  client.on('close', () => server.destroy())
  server.write(first)
  client.pipe(server).pipe(client)
}

async function askPassword(client: Socket): Promise<string> {
  client.write(wireMessage('R', Buffer.from([0, 0, 0, 3])))
  const type = await bytes(client, 1)
  const answer = await packet(client)
  if (type.toString() !== 'p') throw new Error('no password came')
  return answer.subarray(4, -1).toString()
}

function refuse(client: Socket, code: string, message: string): void {
  client.end(wireMessage('E', Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`)))
}

/** Data with its length in front. */
async function packet(client: Socket): Promise<Buffer> {
  const size = await bytes(client, 4)
  return Buffer.concat([size, await bytes(client, size.readInt32BE(0) - 4)])
}

async function bytes(client: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const found: Buffer | null = client.read(count)
    if (found) return found
    if (client.destroyed || client.readableEnded) throw new Error('the client went away')
    await new Promise<void>(resolve => {
      for (const event of ['readable', 'close', 'end']) client.once(event, () => resolve())
    })
  }
}
