import { Socket } from 'node:net'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { checkMessages } from '../../lib/postgres-messages/check-messages.ts'
import type { Backend } from '../../ports/backend.ts'
import { sendCancel } from './cancel.ts'
import { connectFailure, isSqlState, statementFailure, statementTimeout } from './failure.ts'
import { type ConnectionSettings, describeTarget } from './settings.ts'
import { statementName } from './statement-name.ts'
import { strictRow } from './strict-row.ts'

/**
 * A connection pool for Kysely, based on pg. It connects immediately, applies a timeout to each statement, and throws
 * the errors of failure.ts. It uses no startup parameters or named statements, so that it works with PgBouncer in
 * transaction mode.
 */
export function postgresPool(connection: ConnectionSettings, backend: Backend): PostgresPool {
  const sockets = new Set<Socket>()
  const open = (ssl: ConnectionSettings['ssl'] = false) => {
    const stream = () => track(new Socket(), sockets)
    const opened = new pg.Pool({
      ...connection,
      ssl,
      max: 4,
      connectionTimeoutMillis: backend.timeoutMs,
      stream,
      Client: CheckedClient,
    })
    opened.on('error', () => {}) // an idle connection was closed: the next statement opens a new one
    opened.on('connect', client => client.on('error', () => {})) // a connection in use: its statement throws the error
    return opened
  }
  let pool = open(connection.ssl)
  const connectPool = async () => {
    const attempted = pool
    try {
      return await attempted.connect()
    } catch (error) {
      if (!connection.tlsOptional || !isTlsUnsupported(error)) throw error
      if (pool === attempted) pool = open(false)
      return pool.connect()
    }
  }
  // Connect while the caller's identity is looked up. If that fails, the first statement throws the error.
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
      throw connectFailure(error, describeTarget(connection))
    } finally {
      if (client) backend.trace('postgres connect', performance.now() - began)
    }
  }
  return {
    connect: async () => withTimeout(await connect(), backend),
    end: async () => {
      // Do not wait for a connection that is still being opened or was never used.
      if (early && !connected) for (const socket of sockets) socket.destroy()
      else if (early) (await early).release(true)
      if (!early) await pool.end()
      // pg does not close a socket on which the login failed, and a server that is not Postgres may never close it.
      for (const socket of sockets) socket.unref()
    },
  }
}

class CheckedClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    checkMessages(this)
  }
}

// pg's error for this has no code.
function isTlsUnsupported(error: unknown): boolean {
  return error instanceof Error && error.message === 'The server does not support SSL connections'
}

function track(socket: Socket, sockets: Set<Socket>): Socket {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  return socket
}

function withTimeout(client: pg.PoolClient, backend: Backend): PostgresPoolClient {
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
      if (expired) sendCancel(client)
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
