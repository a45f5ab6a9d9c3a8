import { type Kysely, sql } from 'kysely'
import type { ClosingIntent, Intent } from '../../ports/intent.ts'
import type { Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { intentEvent } from '../sql/audit-insert.ts'
import { batchInput, valuesOf } from '../sql/batch-input.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { type IntentJson, oldestIntentIn, toIntent } from '../sql/intent-columns.ts'

/** The intent as it stands; undefined where there is none (any more). */
export async function findIntent(db: Kysely<Database>, id: string): Promise<Intent | undefined> {
  const { intent } = exactlyOne(
    await sql<{ intent: IntentJson | null }>`/* dsctl look at an intent */ with
    intent as (select * from dsctl.pending_operations where id = ${id})
    select ${oldestIntentIn('intent')} as intent`.execute(db),
  )
  return intent ? toIntent(intent) : undefined
}

/** From open to undoing, which ends its lease and decides for good against a last step still on its way. */
export async function moveToUndoing(db: Kysely<Database>, id: string): Promise<'ok' | 'changed'> {
  const result = await db
    .updateTable('dsctl.pending_operations')
    .set({ state: 'undoing', expires_at: sql`now()` })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n ? 'ok' : 'changed'
}

/** Closes intents that are still as they were seen; a delete was audited when it began, the others are now. */
export async function closeAll(
  db: Kysely<Database>,
  closings: readonly ClosingIntent[],
): ReturnType<Records['closeAll']> {
  if (closings.length === 0) return []
  const rows = closings.map(({ settledBy, ...rest }) => ({ ...rest, settled_by: settledBy }))
  const { found } = exactlyOne(
    await sql<{ found: boolean[] }>`/* dsctl close an intent */ with
    ${batchInput(rows, 'id uuid, state text, outcome text, audit boolean, settled_by text')},
    closed as (
      update dsctl.pending_operations i set state = 'closed', outcome = a.outcome, closed_at = now() from asked a
      where i.id = a.id and i.id = any(${valuesOf('id', 'asked')}) and i.state = a.state
      returning i.*, a.audit, a.settled_by),
    audited as (${intentEvent('closed', {
      outcome: sql`case i.outcome when 'none' then 'failed' else 'unknown' end`,
      settledBy: sql`i.settled_by`,
      where: sql`i.audit and i.kind <> 'delete' and i.outcome <> 'done'`,
    })})
    select json_agg(c.id is not null order by a.nth) as found from asked a left join closed c on c.id = a.id`.execute(
      db,
    ),
  )
  return found.map(closed => (closed ? 'ok' : 'changed'))
}
