import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { BatchResult, CommitResult } from '../../ports/record-steps.ts'
import type { Database } from '../schema/tables.ts'
import { runBatch } from '../sql/conflict.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { type RecordJson, recordJson, toDataSource } from '../sql/record-columns.ts'

// The commit of a create or update is one statement: it locks the `intent` if it is open, checks that the name is not
// `taken`, writes the row (`written`), and closes the intent. The operation has happened if and only if it commits.

interface CommitRow {
  open: boolean
  taken: string | null
  name: string | null
  env: string | null
  record: RecordJson | null
}

/** Whether the row of an intent `i` was written. A hashed subquery: a join would compare every pair of 200 rows. */
export const WRITTEN = sql`(i.data_source_id in (select id from written)) is true`

/** The CTE `closed`: closes the intents whose row was written as done. */
export const closeAsDone = sql`closed as (
      update dsctl.pending_operations set state = 'closed', outcome = 'done', closed_at = now()
      where id = any(array(select i.id from intent i where ${WRITTEN})) and state = 'open')`

// OFFSET 0 makes Postgres estimate as many rows as there are items. Otherwise it expects one, and joins every pair of
// 200 rows.
/** The SELECT of a commit: one CommitRow per item. */
export const commitResults = sql`select json_agg(json_build_object('open', i.id is not null, 'name', i.new_name,
        'env', i.new_env, 'taken', t.id, 'record', case when d.id is not null then ${recordJson} end)
        order by i.nth) as found
      from (select a.nth, i.id, i.new_name, i.new_env, i.data_source_id
          from args a left join intent i using (nth) offset 0) i
        left join taken t using (nth) left join written d on d.id = i.data_source_id`

/** Runs the commits of `items`. */
export function runCommits(
  db: Kysely<Database>,
  items: readonly unknown[],
  statement: RawBuilder<unknown>,
): Promise<BatchResult<CommitResult>> {
  const instead = { kind: 'taken', id: undefined, name: undefined, env: undefined } as const
  return runBatch<CommitResult>('data_sources', { items, instead }, async () => {
    const { found } = exactlyOne(await (statement as RawBuilder<{ found: CommitRow[] }>).execute(db))
    return found.map(toCommitResult)
  })
}

function toCommitResult({ record, open, taken, name, env }: CommitRow): CommitResult {
  if (record) return { kind: 'done', record: toDataSource(record) }
  if (!open) return { kind: 'changed' }
  return taken ? { kind: 'taken', id: taken, name: name ?? undefined, env: env ?? undefined } : { kind: 'gone' }
}
