import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema/tables.ts'
import { exactlyOne } from './exactly-one.ts'

/** A statement that writes at least this many rows is a bulk load. */
const BULK_ROWS = 50

/**
 * Returns a function to call with the number of data sources that a statement has written. After the first bulk load it
 * runs ANALYZE on data_sources if the table has no statistics. Autovacuum takes up to a minute, and until then the
 * statements of a batch scan all records of the organization. It is best effort: a missing privilege, a concurrent
 * ANALYZE and a lost connection are ignored.
 */
export function analyzeAfterLoad(db: Kysely<Database>): (written: number) => Promise<void> {
  let checked = false
  return async written => {
    if (checked || written < BULK_ROWS) return
    checked = true
    try {
      const query = sql<{ unknown: boolean }>`/* dsctl check statistics */
        select reltuples <= 0 as unknown from pg_class where oid = 'data_sources'::regclass`
      if (exactlyOne(await query.execute(db)).unknown) {
        await sql`/* dsctl analyze */ analyze (skip_locked) data_sources`.execute(db)
      }
    } catch {
      // The write has succeeded. If Postgres is unreachable, the next statement fails with the error.
    }
  }
}
