import { Socket } from 'node:net'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Backend } from '../../ports/backend.ts'
import { sendCancel } from './cancel.ts'
import { connectFailure, isSqlState, statementFailure, statementTimeout } from './failure.ts'
import { type ConnectionSettings, describeTarget } from './settings.ts'
import { statementName } from './statement-name.ts'

/**
 * pg's pool with a deadline for each statement and errors that are dsctl's own. Kysely takes it as its pool. No startup
 * parameters, no named statements: it works behind PgBouncer in transaction mode.
 */
export function postgresPool(connection: ConnectionSettings, backend: Backend): PostgresPool {
  const sockets = new Set<Socket>()
  const open = (ssl: ConnectionSettings['ssl'] = false) => {
    const stream = () => track(new Socket(), sockets)
    const opened = new pg.Pool({ ...connection, ssl, max: 4, connectionTimeoutMillis: backend.timeoutMs, stream })
    opened.on('error', () => {}) // an idle connection was cut: the next statement opens another
    opened.on('connect', client => client.on('error', () => {})) // one in use: its statement fails, and tells
    return opened
  }
  let pool = open(connection.ssl)
  const connectPool = async () => {
    const tried = pool
    try {
      return await tried.connect()
    } catch (error) {
      if (!connection.tlsOptional || !hasNoTls(error)) throw error
      if (pool === tried) pool = open(false)
      return pool.connect()
    }
  }
  // Connects while others find out who is asking; whether that went well is told by the first statement.
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
      // What is still connecting, or was never asked for, is no reason to keep the program from ending.
      if (early && !connected) for (const socket of sockets) socket.destroy()
      else if (early) (await early).release(true)
      if (!early) await pool.end()
      // pg leaves open what it could not log in to, a server that is no Postgres, which may never end it.
      for (const socket of sockets) socket.unref()
    },
  }
}

// pg gives it no code.
function hasNoTls(error: unknown): boolean {
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
    if (broken) throw broken // a transaction is to be rolled back, which would wait in vain
    const began = performance.now()
    const deadline = startDeadline(backend.timeoutMs)
    try {
      return await Promise.race([client.query(text, [...values]), deadline.expired])
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
  // Kysely also passes cursors, which nothing here uses.
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
