import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

// A minimal SQL Server: a login and queries of one value, without TLS. Source: MS-TDS.

const PRELOGIN = 0x12
const LOGIN = 0x10
const BATCH = 0x01

export interface SqlServer {
  readonly port: number
  /** The types of the received messages, in order. */
  readonly kinds: readonly number[]
  /** Whether a client has sent a password in plain text. */
  loggedIn(): boolean
  close(): void
}

interface Known {
  readonly user: string
  readonly password: string
  readonly database: string
  readonly version: string
}

export async function sqlServer(known: Known, at: { host?: string; port?: number } = {}): Promise<SqlServer> {
  const kinds: number[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    let seen: Buffer = Buffer.alloc(0)
    socket.on('data', chunk => {
      seen = Buffer.concat([seen, chunk])
      while (seen.length >= 8) {
        const length = seen.readUInt16BE(2)
        if (length < 8) return void socket.destroy()
        if (seen.length < length) return
        const kind = seen[0] ?? 0
        kinds.push(kind)
        socket.write(answer(kind, seen.subarray(8, length), known))
        seen = seen.subarray(length)
      }
    })
  })
  const port = await listenAt(server, at)
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port, kinds, loggedIn: () => kinds.includes(LOGIN), close }
}

async function listenAt(server: Server, { host = '0.0.0.0', port = 0 }: { host?: string; port?: number }) {
  await once(server.listen(port, host), 'listening')
  return (server.address() as AddressInfo).port
}

function answer(kind: number, body: Buffer, known: Known): Buffer {
  if (kind === PRELOGIN) return packet(Buffer.from([1, 0, 6, 0, 1, 0xff, 2]))
  if (kind === LOGIN) return packet(login(body, known))
  // Drivers send their settings as a batch, and statements as calls of sp_executesql.
  return packet(kind === BATCH ? done(0) : value(body, known))
}

function login(body: Buffer, known: Known): Buffer {
  const field = (at: number) => {
    const begin = body.readUInt16LE(at)
    return body.subarray(begin, begin + 2 * body.readUInt16LE(at + 2))
  }
  const password = field(44).map(byte => {
    const plain = byte ^ 0xa5
    return ((plain & 0x0f) << 4) | (plain >> 4)
  })
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf16le')
  if (text(field(40)) !== known.user || text(password) !== known.password) {
    return Buffer.concat([failure(18456, `Login failed for user '${text(field(40))}'. ${text(password)}`), done(2)])
  }
  if (text(field(68)) !== known.database) return Buffer.concat([failure(4060, 'Cannot open database'), done(2)])
  const name = short('Stand-in')
  const ack = Buffer.concat([Buffer.from([1, 0x74, 0, 0, 4]), name, Buffer.from([16, 0, 0, 0])])
  return Buffer.concat([token(0xad, ack), done(0)])
}

/** One column, one row: the version, or null for a schema other than `dbo`. */
function value(body: Buffer, { version }: Known): Buffer {
  const says = (part: string) => body.includes(Buffer.from(part, 'utf16le'))
  const text = !says('schema_id') ? version : says("'dbo'") ? '1' : undefined
  const columns = Buffer.from([0x81, 1, 0, 0, 0, 0, 0, 9, 0, 0xe7, 0x40, 0x1f, 9, 4, 0xd0, 0, 0x34, 0])
  const bytes = Buffer.from(text ?? '', 'utf16le')
  const row =
    text === undefined ? [Buffer.from([0xd1, 0xff, 0xff])] : [Buffer.from([0xd1]), uint16(bytes.length), bytes]
  return Buffer.concat([columns, ...row, done(0x10)])
}

function failure(number: number, message: string): Buffer {
  const head = Buffer.alloc(6)
  head.writeInt32LE(number)
  head.writeUInt8(14, 5)
  const text = Buffer.from(message, 'utf16le')
  return token(0xaa, Buffer.concat([head, uint16(text.length / 2), text, short('s'), short(''), Buffer.alloc(4)]))
}

function token(kind: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([kind]), uint16(body.length), body])
}

function done(status: number): Buffer {
  return Buffer.concat([Buffer.from([0xfd]), uint16(status), Buffer.alloc(10)])
}

function short(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'utf16le')])
}

function uint16(number: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(number)
  return bytes
}

function packet(body: Buffer): Buffer {
  const head = Buffer.from([4, 1, 0, 0, 0, 0, 1, 0])
  head.writeUInt16BE(8 + body.length, 2)
  return Buffer.concat([head, body])
}
