import { type Kysely, sql } from 'kysely'
import type { Caller } from '../../ports/caller.ts'
import type { PlainUpdate } from '../../ports/record-steps.ts'
import type { Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { type CallerEvent, doneEvent, refusedEvent, WRITE_TIME } from '../sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, denialOf } from '../sql/authorize.ts'
import { batchInput } from '../sql/batch-input.ts'
import { BUSY, conflictOf, unlessUniqueViolation } from '../sql/conflict.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { type IntentJson, oldestIntentIn } from '../sql/intent-columns.ts'
import { candidates, lookupFailure, type RecordJson, recordJsonIn, toDataSource } from '../sql/record-columns.ts'
import { renameTargets, UPDATE_COLUMNS, updateColumns, updateFailed } from '../sql/rename-target.ts'

interface PlainUpdateRow {
  authorization: Authorization
  candidates: { id: string; name: string; env: string }[]
  blocker: IntentJson | null
  taken: string | null
  record: RecordJson | null
  /** The record, if an earlier try of this statement succeeded. */
  earlier: RecordJson | null
  earlier_fields: string[] | null
  written: RecordJson | null
}

/** An update of name and env only, in one statement. */
export async function updatePlain(
  db: Kysely<Database>,
  client: string,
  { caller, update }: { caller: Caller; update: PlainUpdate },
): ReturnType<Records['updatePlain']> {
  const { eventId } = update
  const event = { eventId, action: 'update', caller, client }
  const row = updateColumns(update)
  const statement = sql<PlainUpdateRow>`/* dsctl update */ with
    ${authorize(caller)},
    ${batchInput([row], UPDATE_COLUMNS)},
    ${renameTargets(sql`
      select 0 as nth, d.* from data_sources d
      where d.id = (select id from targets where (select count(*) from targets) = 1) and d.deleted_at is null
      for update`)},
    earlier as (
      select d.* from data_sources d join dsctl.audit_events e on e.data_source_id = d.id
      where e.id = ${eventId} and e.outcome = 'done'),
    written as (
      update data_sources d set name = w.name, env = w.env, updated_at = ${WRITE_TIME}, updated_by = p.user_id
      from new_names w, permitted p
      where d.id = w.id and (d.name, d.env) is distinct from (w.name, w.env) and not exists (select from earlier)
        and not exists (select from blockers) and not exists (select from taken)
      returning d.*),
    audited as (${doneEvent({ ...event, ...plainChange('found', 'written'), fields: CHANGED, from: sql`found o, written n` })}),
    refused as (${refusedEvent(
      { ...event, fields: sql`a.renaming`, from: sql`args a` },
      updateFailed(sql`exists (select from earlier)`),
      update.ref.text,
    )})
    select ${authorizationColumn}, ${candidates} as candidates, ${oldestIntentIn('blockers')} as blocker,
      (select id from taken limit 1) as taken, ${recordJsonIn('found')} as record, ${recordJsonIn('earlier')} as earlier,
      (select fields from dsctl.audit_events where id = ${eventId}) as earlier_fields, ${recordJsonIn('written')} as written`

  const taken = { kind: 'taken', id: undefined, name: update.name, env: update.env } as const
  const run = () => unlessUniqueViolation('dsctl.audit_events', BUSY, () => statement.execute(db))
  return unlessUniqueViolation('data_sources', taken, async () => {
    const result = await run()
    if ('kind' in result) return result
    const row = exactlyOne(result)
    if (row.earlier) return { kind: 'done', record: toDataSource(row.earlier), fields: row.earlier_fields ?? [] }
    const refused = denialOf(row.authorization) ?? lookupFailure(row) ?? conflictOf(row, update)
    if (refused) return refused
    const { record, written } = row
    if (record && written) return { kind: 'done', record: toDataSource(written), fields: changed(record, written) }
    return record ? { kind: 'unchanged', record: toDataSource(record) } : { kind: 'not found' }
  })
}

// The audit event and the result list the same fields: those that were given and differ.
const CHANGED = sql`array_remove(array[case when n.name <> o.name then 'name' end,
      case when n.env <> o.env then 'env' end], null)`
function changed(old: RecordJson, now: RecordJson): string[] {
  return (['name', 'env'] as const).filter(field => old[field] !== now[field])
}

function plainChange(before: string, after: string): Partial<CallerEvent> {
  const columns = sql`jsonb_build_object('name', name, 'env', env)`
  return {
    dataSourceId: sql`n.id`,
    dataSourceName: sql`o.name`,
    before: sql`(select ${columns} from ${sql.table(before)})`,
    after: sql`(select ${columns} from ${sql.table(after)})`,
  }
}
