import { type Kysely, sql } from 'kysely'
import type { ClosingIntent, Intent } from '../../ports/intent.ts'
import type { Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { intentEvent } from '../sql/audit-insert.ts'
import { batchInput, valuesOf } from '../sql/batch-input.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { type IntentJson, oldestIntentIn, toIntent } from '../sql/intent-columns.ts'

/** Returns an intent in its current state; undefined if it does not exist. */
export async function findIntent(db: Kysely<Database>, id: string): Promise<Intent | undefined> {
  const { intent } = exactlyOne(
    await sql<{ intent: IntentJson | null }>`/* dsctl find intent */ with
    intent as (select * from dsctl.pending_operations where id = ${id})
    select ${oldestIntentIn('intent')} as intent`.execute(db),
  )
  return intent ? toIntent(intent) : undefined
}

/** Moves an intent from open to undoing. This ends the lease, so a delayed commit by the owner fails. */
export async function moveToUndoing(db: Kysely<Database>, id: string): Promise<'ok' | 'changed'> {
  const result = await db
    .updateTable('dsctl.pending_operations')
    .set({ state: 'undoing', expires_at: sql`now()` })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n ? 'ok' : 'changed'
}

/**
 * Closes the intents whose state has not changed. Audits creates and updates that are not done. A delete was audited by
 * its begin step.
 */
export async function closeAll(
  db: Kysely<Database>,
  closings: readonly ClosingIntent[],
): ReturnType<Records['closeAll']> {
  if (closings.length === 0) return []
  const rows = closings.map(({ settledBy, ...rest }) => ({ ...rest, settled_by: settledBy }))
  const { found } = exactlyOne(
    await sql<{ found: boolean[] }>`/* dsctl close intents */ with
    ${batchInput(rows, 'id uuid, state text, outcome text, audit boolean, settled_by text')},
    closed as (
      update dsctl.pending_operations i set state = 'closed', outcome = a.outcome, closed_at = now() from args a
      where i.id = a.id and i.id = any(${valuesOf('id', 'args')}) and i.state = a.state
      returning i.*, a.audit, a.settled_by),
    audited as (${intentEvent('closed', {
      outcome: sql`case i.outcome when 'none' then 'failed' else 'unknown' end`,
      settledBy: sql`i.settled_by`,
      where: sql`i.audit and i.kind <> 'delete' and i.outcome <> 'done'`,
    })})
    select json_agg(c.id is not null order by a.nth) as found from args a left join closed c on c.id = a.id`.execute(
      db,
    ),
  )
  return found.map(closed => (closed ? 'ok' : 'changed'))
}
