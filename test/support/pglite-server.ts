import { createServer, type Socket } from 'node:net'
import { PGlite } from '@electric-sql/pglite'
import { listen } from './listen.ts'
import {
  cstring,
  cstrings,
  GSS_REQUEST,
  int32,
  SSL_REQUEST,
  type WireMessage,
  wireMessage,
  wireReader,
} from './wire.ts'

export interface PgliteServer {
  readonly port: number
  /** The name that clients must connect to. */
  rename(name: string): void
  /** Runs statements as the superuser and returns the rows of the last one, outside any connection. */
  query(sql: string): Promise<Record<string, unknown>[]>
  /** Ends every connection and rolls back its transaction. */
  disconnect(): Promise<void>
  close(): Promise<void>
}

/**
 * A PGlite that listens on a port. It has one session, which connections share in turns: a turn is one statement (from
 * Parse to Sync) or one transaction. In pglite-socket a turn is a single message, so that two statements that waited for
 * a transaction could receive each other's results.
 */
export async function pgliteServer(dataDir: Blob): Promise<PgliteServer> {
  const db = await PGlite.create({ loadDataDir: dataDir })
  const engine: Engine = { db, name: '', user: 'postgres', turn: Promise.resolve() }
  const sessions = new Map<Socket, Promise<void>>()
  const server = createServer(socket => {
    const ended = serve(engine, socket).finally(() => sessions.delete(socket))
    sessions.set(socket, ended)
  })
  const port = await listen(server)
  return {
    port,
    rename(name) {
      engine.name = name
    },
    async query(sql) {
      const session: Session = { engine, user: 'postgres', release: undefined }
      await takeTurn(session, session.user)
      try {
        return ((await db.exec(sql)).at(-1)?.rows ?? []) as Record<string, unknown>[]
      } finally {
        session.release?.()
      }
    },
    async disconnect() {
      for (const socket of sessions.keys()) socket.destroy()
      await Promise.all(sessions.values())
    },
    async close() {
      server.close()
      await db.close()
    },
  }
}

interface Engine {
  readonly db: PGlite
  name: string
  /** The role that the one session has now. */
  user: string
  /** Resolves when the last turn requested has ended. */
  turn: Promise<void>
}

interface Session {
  readonly engine: Engine
  user: string
  /** Ends this connection's turn; undefined while it has none. */
  release: (() => void) | undefined
}

interface Connection extends Session {
  readonly socket: Socket
}

/** Serves one connection. Resolves when it has ended and its transaction is rolled back. */
function serve(engine: Engine, socket: Socket): Promise<void> {
  const session: Connection = { engine, socket, user: '', release: undefined }
  const read = wireReader('frontend')
  let batch: Buffer[] = []
  let work = Promise.resolve()
  const then = (step: () => Promise<void> | void) => {
    work = work.then(step).catch(() => void socket.destroy())
    return work
  }
  socket.setNoDelay(true)
  socket.on('data', chunk => {
    for (const message of read(chunk)) {
      if (message.type === '') then(() => greet(session, message.body))
      else if (message.type === 'X') then(() => void socket.end())
      else {
        batch.push(message.raw)
        if (!'QSHdcf'.includes(message.type)) continue
        const whole = Buffer.concat(batch)
        batch = []
        then(() => run(session, whole))
      }
    }
  })
  socket.on('error', () => socket.destroy())
  return new Promise(resolve => {
    socket.on('close', () => then(() => leave(session)).then(resolve))
  })
}

const AUTHENTICATED = wireMessage('R', int32(0))

async function greet(session: Connection, body: Buffer): Promise<void> {
  const code = body.readInt32BE(0)
  if (code === SSL_REQUEST || code === GSS_REQUEST) return void session.socket.write('N')
  // PGlite has nothing that could be cancelled: a statement runs in one go.
  if (code !== 196608) return void session.socket.end()
  const words = cstrings(body.subarray(4))
  const parameter = (key: string) => words[words.indexOf(key) + 1]
  session.user = parameter('user') ?? ''
  const problem = await refusal(session, words.includes('database') ? parameter('database') : session.user)
  session.socket[problem ? 'end' : 'write'](problem ?? welcome())
}

async function refusal(session: Connection, database: string | undefined): Promise<Buffer | undefined> {
  const { db, name } = session.engine
  // Postgres looks for the database when it has accepted the login.
  if (database !== name) {
    return Buffer.concat([AUTHENTICATED, fatal('3D000', `database "${database}" does not exist`)])
  }
  await takeTurn(session, 'postgres')
  const found = await db.query('SELECT 1 FROM pg_authid WHERE rolname = $1 AND rolcanlogin', [session.user])
  session.release?.()
  if (!found.rows.length) return fatal('28000', `role "${session.user}" does not exist`)
  return undefined
}

function fatal(code: string, message: string): Buffer {
  const fields = `SFATAL\0VFATAL\0C${code}\0M${message}\0\0`
  return wireMessage('E', Buffer.from(fields))
}

function welcome(): Buffer {
  const parameters = {
    server_version: '18.0 (PGlite)',
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    DateStyle: 'ISO, MDY',
    integer_datetimes: 'on',
    standard_conforming_strings: 'on',
  }
  return Buffer.concat([
    AUTHENTICATED,
    ...Object.entries(parameters).map(([key, value]) => wireMessage('S', cstring(key), cstring(value))),
    wireMessage('K', int32(1), int32(1)),
    wireMessage('Z', Buffer.from('I')),
  ])
}

async function run(session: Connection, batch: Buffer): Promise<void> {
  if (!session.release) await takeTurn(session, session.user)
  const answer = Buffer.from(await session.engine.db.execProtocolRaw(new Uint8Array(batch)))
  if (session.socket.writable) session.socket.write(answer)
  const last = wireReader('backend')(answer).at(-1)
  if (isIdle(last)) session.release?.()
}

function isIdle(last: WireMessage | undefined): boolean {
  return last?.type === 'Z' && last.body.toString() === 'I'
}

async function takeTurn(session: Session, user: string): Promise<void> {
  const { engine } = session
  const before = engine.turn
  const { promise, resolve } = deferred()
  engine.turn = promise
  await before
  session.release = () => {
    session.release = undefined
    resolve()
  }
  if (engine.user === user) return
  await engine.db.exec(`SET SESSION AUTHORIZATION "${user.replaceAll('"', '""')}"`)
  engine.user = user
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}

async function leave(session: Session): Promise<void> {
  if (!session.release) return
  await session.engine.db.exec('ROLLBACK').catch(() => {})
  session.release()
}
