import { setTimeout as pause } from 'node:timers/promises'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { TransactionAborted } from './failure.ts'

/**
 * The same pool, which sends a statement again if Postgres has aborted it because of a concurrent one: a deadlock, or a
 * conflict if the database's isolation level is repeatable read or serializable. Nothing has happened then. A statement
 * of a longer transaction is not sent again, because the whole transaction is aborted.
 */
export function retryAborted(pool: PostgresPool): PostgresPool {
  return { connect: async () => retryingClient(await pool.connect()), end: () => pool.end() }
}

function retryingClient(client: PostgresPoolClient): PostgresPoolClient {
  let inTransaction = false
  const send = client.query.bind(client) as (text: string, values: readonly unknown[]) => Promise<unknown>
  const query = async (text: string, values: readonly unknown[]) => {
    const [, verb] = /^\s*(begin|start transaction|commit|rollback)\b/i.exec(text) ?? []
    if (verb) inTransaction = /^[bs]/i.test(verb)
    return inTransaction || verb ? send(text, values) : sendUntilDone(() => send(text, values))
  }
  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release() }
}

/** Of the statements that abort each other at least one is done, so this is enough for many of them. */
const MAX_TRIES = 15
const MAX_PAUSE_MS = 250

async function sendUntilDone<T>(send: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof TransactionAborted) || tries === MAX_TRIES) throw error
      await pause(Math.random() * Math.min(5 * 2 ** tries, MAX_PAUSE_MS))
    }
  }
}
