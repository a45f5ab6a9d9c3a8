import { type RawBuilder, sql } from 'kysely'

// How a statement does several things: it looks up all that it needs in one scan for each table, by arrays, and joins what
// it found by `nth`. Asked for row by row, a table without statistics (a new one, say) would be scanned for each.

/**
 * The CTE `asked`: what a statement is to do, one row for each item, with its place in `nth` and the columns that are
 * named. A list of one is how the statement does one thing.
 */
export function batchInput(items: readonly object[], columns: string): RawBuilder<unknown> {
  const rows = items.map((item, nth) => ({ nth, ...item }))
  return sql`asked as materialized (
      select * from jsonb_to_recordset(${toPostgresJson(rows)}::jsonb) as a (nth int, ${sql.raw(columns)}))`
}

/** All values of a column, for `= any(…)`. */
export function valuesOf(column: string, from: string): RawBuilder<unknown> {
  return sql`array(select ${sql.ref(column)} from ${sql.raw(from)})`
}

// What stands in a JavaScript string and can't in a Postgres text becomes U+FFFD, as it does on its way in a parameter.
function toPostgresJson(value: unknown): string {
  return JSON.stringify(value).replace(/\\(?:u(?:d[89a-f]..|0000)|.)/g, found =>
    found.length === 6 ? '\ufffd' : found,
  )
}
