import type { PGlite } from '@electric-sql/pglite'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type { Backend } from '../ports/backend.ts'
import { statementFailure } from '../postgres/connection/failure.ts'
import { statementName } from '../postgres/connection/statement-name.ts'

/** A pool for Kysely on PGlite. PGlite has a single session: `connect` waits until the previous client is released. */
export function pglitePool(database: PGlite, backend: Backend): PostgresPool {
  let free = Promise.resolve()
  const connect = async (): Promise<PostgresPoolClient> => {
    const before = free
    let release = () => {}
    free = new Promise(resolve => {
      release = resolve
    })
    await before
    const query = (text: string, values: readonly unknown[]) => run(database, backend, { text, values })
    return { query: query as unknown as PostgresPoolClient['query'], release }
  }
  return { connect, end: async () => {} }
}

async function run(database: PGlite, backend: Backend, { text, values }: { text: string; values: readonly unknown[] }) {
  const began = performance.now()
  try {
    const { rows, affectedRows } = await database.query(text, [...values])
    // Kysely uses the command to decide whether to report affected rows, and checks the result of COMMIT.
    const command = /^\s*(?:\/\*.*?\*\/\s*)?(\w+)/.exec(text)?.[1]?.toUpperCase() ?? ''
    return { command, rowCount: affectedRows ?? rows.length, rows }
  } catch (error) {
    throw statementFailure(error)
  } finally {
    backend.trace(statementName(text), performance.now() - began)
  }
}
