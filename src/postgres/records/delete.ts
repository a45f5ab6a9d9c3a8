import { type Kysely, sql } from 'kysely'
import type { Caller } from '../../ports/caller.ts'
import type { Candidate } from '../../ports/lookup.ts'
import type { NewDelete } from '../../ports/record-steps.ts'
import type { Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { doneEvent, refusedEvent, WRITE_TIME } from '../sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, callerOrganization, denialOf } from '../sql/authorize.ts'
import { batchInput, valuesOf } from '../sql/batch-input.ts'
import { BUSY, runBatch } from '../sql/conflict.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { type IntentJson, leaseEnd, oldestIntentPerItem, recordedIntents, toIntent } from '../sql/intent-columns.ts'
import {
  batchCandidates,
  batchTargets,
  lookupFailure,
  REF_COLUMNS,
  refColumns,
  rowsMatchingRefs,
  unambiguousTargets,
} from '../sql/record-columns.ts'

interface Begun {
  recorded: IntentJson | null
  owed: IntentJson | null
  candidates: Candidate[] | null
  blocker: IntentJson | null
  removed: { id: string; secret_id: string; organization_id: string; name: string } | null
}

/**
 * Begins deletes: checks permission, finds the records, checks for unclosed intents, soft-deletes the records, writes
 * the audit events, and records the intents.
 */
export async function beginDeletes(
  db: Kysely<Database>,
  client: string,
  { caller, removes }: { caller: Caller; removes: readonly NewDelete[] },
): ReturnType<Records['beginDeletes']> {
  const rows = removes.map(({ intentId, ref, lease }) => ({ ...refColumns(ref), intent_id: intentId, lease }))
  const event = { action: 'delete', caller, client }
  const statement = sql<{ authorization: Authorization; found: Begun[] }>`/* dsctl begin delete */ with
    ${authorize(caller)},
    ${batchInput(rows, `${REF_COLUMNS}, intent_id uuid, lease float8`)},
    ${recordedIntents},
    ${batchTargets},
    found as materialized (${unambiguousTargets}),
    unclosed as materialized (
      select i.* from dsctl.pending_operations i where i.state <> 'closed' and i.organization_id = ${callerOrganization}
        and (i.kind = 'delete' or i.data_source_id = any(${valuesOf('id', 'found')}))),
    deleted as materialized (
      select d.* from data_sources d
      where d.deleted_at is not null and d.id = any(array(select data_source_id from unclosed where kind = 'delete'))),
    owed as materialized (
      select d.nth, i.* from (${rowsMatchingRefs('deleted')}) d join unclosed i on i.data_source_id = d.id
      where i.kind = 'delete' and d.nth not in (select nth from targets)),
    blockers as materialized (select f.nth, i.* from unclosed i join found f on f.id = i.data_source_id),
    free as materialized (
      select f.nth, f.id, a.intent_id, a.lease from found f join args a using (nth)
      where a.nth not in (select nth from recorded) and a.nth not in (select nth from blockers)
      order by f.id),
    removed as (
      update data_sources d set deleted_at = ${WRITE_TIME}, updated_at = ${WRITE_TIME}, updated_by = p.user_id
      from free f, permitted p
      where d.id = f.id and d.id = any(${valuesOf('id', 'free')}) and d.deleted_at is null
      returning d.id, d.secret_id, d.organization_id, d.name, d.env, f.nth, f.intent_id, f.lease),
    begun as (
      insert into dsctl.pending_operations (id, kind, state, data_source_id, secret_id, organization_id, old_name,
        old_env, fields, actor_id, actor_email, actor_source, client, expires_at)
      select r.intent_id, 'delete', 'open', r.id, r.secret_id, r.organization_id, r.name, r.env, '{}', p.user_id,
        p.email, ${caller.identitySource}, ${client}, ${leaseEnd(sql`r.lease`)}
      from removed r, permitted p),
    audited as (${doneEvent({
      ...event,
      eventId: sql`r.intent_id`,
      from: sql`removed r`,
      dataSourceId: sql`r.id`,
      dataSourceName: sql`r.name`,
      before: sql`jsonb_build_object('name', r.name, 'env', r.env)`,
    })}),
    refused as (${refusedEvent(
      { ...event, eventId: sql`a.intent_id`, from: sql`args a` },
      sql`a.nth not in (select nth from recorded) and a.nth not in (select nth from owed)
        and a.nth not in (select nth from found)`,
      sql`a.ref_name`,
    )})
    select ${authorizationColumn}, (select json_agg(json_build_object('recorded', recorded.intent, 'owed', owed.intent,
        'candidates', c.candidates, 'blocker', h.intent, 'removed', case when r.id is not null then row_to_json(r) end)
        order by a.nth)
      from args a left join removed r using (nth) left join ${batchCandidates} c using (nth)
        left join ${oldestIntentPerItem('recorded')} recorded using (nth) left join ${oldestIntentPerItem('owed')} owed using (nth)
        left join ${oldestIntentPerItem('blockers')} h using (nth)) as found`

  return runBatch('dsctl.pending_operations', { items: removes, instead: BUSY }, async () => {
    const { authorization, found } = exactlyOne(await statement.execute(db))
    return found.map(row => {
      if (row.recorded) return { kind: 'already recorded', intent: toIntent(row.recorded) }
      const denial = denialOf(authorization)
      if (denial) return denial
      if (row.owed) return { kind: 'owed', intent: toIntent(row.owed) }
      const refused = lookupFailure(row)
      if (refused) return refused
      if (row.blocker) return { kind: 'busy', intent: toIntent(row.blocker) }
      return row.removed ? begun(row.removed) : BUSY
    })
  })
}

function begun({ id, secret_id, organization_id, name }: NonNullable<Begun['removed']>) {
  return { kind: 'begun' as const, id, secretId: secret_id, organizationId: organization_id, name }
}
