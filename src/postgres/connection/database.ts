import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import type { Database } from '../schema/tables.ts'

/** Kysely on `pool`: pg's, or one that behaves like it. */
export function openDatabase(pool: PostgresPool): Kysely<Database> {
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
}
