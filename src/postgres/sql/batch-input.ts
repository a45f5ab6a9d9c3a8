import { type RawBuilder, sql } from 'kysely'

// A batch statement reads each table in one scan, with `= any(array)`, and joins the rows to its items by `nth`. A join
// per item would scan a table without statistics, such as a new one, once per item.

/**
 * The CTE `args`: one row per item, with its position in `nth` and these columns (a column definition list). For a
 * single operation, pass one item.
 */
export function batchInput(items: readonly object[], columns: string): RawBuilder<unknown> {
  const rows = items.map((item, nth) => ({ nth, ...item }))
  return sql`args as materialized (
      select * from jsonb_to_recordset(${toPostgresJson(rows)}::jsonb) as a (nth int, ${sql.raw(columns)}))`
}

/** All values of a column as an array, for `= any(…)`. */
export function valuesOf(column: string, from: string): RawBuilder<unknown> {
  return sql`array(select ${sql.raw(column)} from ${sql.raw(from)})`
}

// Postgres text cannot hold NUL or a lone surrogate. Replace them with U+FFFD, as the encoding of a parameter does.
function toPostgresJson(value: unknown): string {
  return JSON.stringify(value).replace(/\\(?:u(?:d[89a-f]..|0000)|.)/g, found =>
    found.length === 6 ? '\ufffd' : found,
  )
}
