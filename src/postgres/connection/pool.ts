import type { Socket } from 'node:net'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { isSqlState } from '../../lib/postgres-login-failure.ts'
import type { Backend } from '../../ports/backend.ts'
import { sendCancel } from './cancel.ts'
import { ConnectFailed, clientClass } from './client.ts'
import { connectFailure } from './connect-failure.ts'
import { type Encryption, encryptionAttempts } from './encryption.ts'
import { statementFailure, statementTimeout } from './failure.ts'
import { openStream } from './open-stream.ts'
import { allowsSecondAttempt, betterError } from './second-attempt.ts'
import { rejectsOptions, sessionOptions } from './session-options.ts'
import type { ConnectionSettings, ServerAddress } from './settings.ts'
import { statementName } from './statement-name.ts'
import { strictRow } from './strict-row.ts'

/**
 * A connection pool for Kysely, based on pg. It connects immediately, applies a timeout to each statement, and throws
 * the errors of failure.ts. It uses no named statements, and no start-up parameters that a pooler rejects, so that it
 * works with PgBouncer in transaction mode.
 */
export function postgresPool(connection: ConnectionSettings, backend: Backend): PostgresPool {
  const sockets = new Set<Socket>()
  const timeoutMs = Math.min(backend.timeoutMs, connection.connectTimeoutMs ?? Number.POSITIVE_INFINITY)
  let withSessionOptions = true
  const open = (encryption: Encryption) => {
    const track = (socket: Socket) => void trackSocket(socket, sockets)
    const options = withSessionOptions ? sessionOptions(connection.options) : connection.options
    const Client = clientClass({ ...connection, options }, () =>
      openStream(connection, { encryption, timeoutMs, track }),
    )
    const opened = new pg.Pool({ max: 4, connectionTimeoutMillis: timeoutMs, Client })
    opened.on('error', () => {}) // an idle connection was closed: the next statement opens a new one
    return opened
  }
  const [first = 'plain', second] = encryptionAttempts(connection)
  let encryption = first
  let pool = open(encryption)
  let ended = false
  const connectPool = async (): Promise<pg.PoolClient> => {
    // Other connections may be opened at the same time, and may change these.
    const [attempted, tried, hadSessionOptions] = [pool, encryption, withSessionOptions]
    try {
      return await attempted.connect()
    } catch (error) {
      if (ended) throw error
      if (hadSessionOptions && error instanceof ConnectFailed && rejectsOptions(error.cause)) {
        withSessionOptions = false
        if (pool === attempted) pool = open(encryption)
        return connectPool()
      }
      if (second === undefined || tried === second || !allowsSecondAttempt(error, first, connection)) throw error
      encryption = second
      if (pool === attempted) pool = open(encryption)
      return await connectPool().catch(later => {
        throw betterError(error, later)
      })
    }
  }
  // Connect early, while the caller's identity is looked up. If connecting fails, the first statement throws the error.
  let early: Promise<pg.PoolClient> | undefined = connectPool()
  let connected = false
  early.then(
    () => {
      connected = true
    },
    () => {},
  )
  const connect = async () => {
    const began = performance.now()
    const client = early
    early = undefined
    try {
      return await (client ?? connectPool())
    } catch (error) {
      throw connectFailure(error, connection)
    } finally {
      if (client) backend.trace('postgres connect', performance.now() - began)
    }
  }
  return {
    connect: async () => withTimeout(await connect(), { backend, address: connection.address }),
    end: async () => {
      ended = true
      // Do not wait for a connection that is still being opened or was never used.
      if (early && !connected) for (const socket of sockets) socket.destroy()
      else if (early) (await early).release(true)
      if (!early) await pool.end()
      // pg does not close a socket on which the login failed, and a server that is not Postgres may never close it.
      for (const socket of sockets) socket.unref()
    },
  }
}

function trackSocket(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
}

function withTimeout(
  client: pg.PoolClient,
  { backend, address }: { backend: Backend; address: ServerAddress },
): PostgresPoolClient {
  let broken: Error | undefined
  const query = async (text: string, values: readonly unknown[]) => {
    if (broken) throw broken // a ROLLBACK on a broken connection would wait until the timeout
    const began = performance.now()
    const deadline = startDeadline(backend.timeoutMs)
    try {
      const result = await Promise.race([client.query(text, [...values]), deadline.expired])
      return { ...result, rows: result.rows.map(strictRow) }
    } catch (error) {
      const expired = error === EXPIRED
      const failure = expired ? statementTimeout(backend.timeoutMs / 1000) : statementFailure(error)
      if (expired) sendCancel(client, address)
      if (expired || !hasSqlState(error)) broken = failure
      throw failure
    } finally {
      deadline.clear()
      backend.trace(statementName(text), performance.now() - began)
    }
  }
  // Kysely's type also permits cursors, which dsctl does not use.
  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(broken !== undefined) }
}

const EXPIRED = new Error('expired')

function startDeadline(ms: number): { expired: Promise<never>; clear: () => void } {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(EXPIRED), ms)
  })
  return { expired, clear: () => clearTimeout(timer) }
}

function hasSqlState(error: unknown): boolean {
  return error instanceof Error && isSqlState(String((error as { code?: string }).code))
}
