import { setTimeout as pause } from 'node:timers/promises'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { TransactionAborted } from './failure.ts'

/**
 * Wraps a pool so that it retries a statement that Postgres has aborted because of a concurrent one: in a deadlock, or
 * in a conflict if the database's isolation level is repeatable read or serializable. An aborted statement has changed
 * nothing. A statement of a longer transaction is not retried, because the whole transaction is aborted.
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

/** At least one of the statements that abort each other succeeds each time, so this is enough for many statements. */
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
