import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema/tables.ts'
import { exactlyOne } from './exactly-one.ts'

/** From so many rows on, one batch after the other is a load. */
const LOAD = 50

/**
 * Gives what is to be called with how many data sources a statement has written. The first time that they are many, has
 * Postgres count a table that it knows nothing of: autovacuum comes by once a minute, and until then a batch's
 * statements read all of the organization to find its names. Whoever may not, or meets another who does, does nothing.
 */
export function analyzeAfterLoad(db: Kysely<Database>): (written: number) => Promise<void> {
  let looked = false
  return async written => {
    if (looked || written < LOAD) return
    looked = true
    try {
      const unknown = sql<{ unknown: boolean }>`/* dsctl look for statistics */
        select reltuples <= 0 as unknown from pg_class where oid = 'data_sources'::regclass`
      if (exactlyOne(await unknown.execute(db)).unknown) {
        await sql`/* dsctl gather statistics */ analyze (skip_locked) data_sources`.execute(db)
      }
    } catch {
      // What was written is written, and a Postgres that is away is met by the next statement.
    }
  }
}
