import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import type { Database } from '../schema/tables.ts'
import { retryAborted } from './retry-aborted.ts'

/** Kysely on a connection pool: of pg, or a compatible one. */
export function openDatabase(pool: PostgresPool): Kysely<Database> {
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool: retryAborted(pool) }) })
}
