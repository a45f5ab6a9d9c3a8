import { type Kysely, sql } from 'kysely'
import type { Caller } from '../../ports/caller.ts'
import type { Candidate } from '../../ports/lookup.ts'
import type { BaseVersion, NewUpdate, UpdateCommit } from '../../ports/record-steps.ts'
import type { Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { intentEvent, refusedEvent, WRITE_TIME } from '../sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, denialOf } from '../sql/authorize.ts'
import { batchInput, valuesOf } from '../sql/batch-input.ts'
import { BUSY, conflictOf, runBatch } from '../sql/conflict.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { type IntentJson, leaseEnd, oldestIntentPerItem, recordedIntents, toIntent } from '../sql/intent-columns.ts'
import {
  batchCandidates,
  lookupFailure,
  namesakes,
  type RecordJson,
  recordJson,
  spellingsInSql,
  toDataSource,
  unambiguousTargets,
} from '../sql/record-columns.ts'
import { renameTargets, UPDATE_COLUMNS, updateColumns, updateFailed } from '../sql/rename-target.ts'
import { closeAsDone, commitResults, runCommits } from './commit.ts'

interface Begun {
  recorded: IntentJson | null
  candidates: Candidate[] | null
  blocker: IntentJson | null
  taken: string | null
  record: RecordJson | null
  /** The record, if an earlier try has recorded the intent and the record still exists. */
  current: RecordJson | null
}

/**
 * Begins updates: checks permission, finds the records, checks for unclosed intents and that new names are free, and
 * records the intents.
 */
export async function beginUpdates(
  db: Kysely<Database>,
  client: string,
  { caller, updates }: { caller: Caller; updates: readonly NewUpdate[] },
): ReturnType<Records['beginUpdates']> {
  const rows = updates.map(update => ({
    ...updateColumns(update),
    ...{ intent_id: update.intentId, given: update.fields, lease: update.lease },
  }))
  const fields = sql`array_cat(a.renaming, a.given)`
  const event = { eventId: sql<string>`a.intent_id`, action: 'update', caller, client, fields, from: sql`args a` }
  const statement = sql<{ authorization: Authorization; found: Begun[] }>`/* dsctl begin update */ with
    ${authorize(caller)},
    ${batchInput(rows, `${UPDATE_COLUMNS}, intent_id uuid, given text[], lease float8`)},
    ${recordedIntents},
    ${renameTargets(unambiguousTargets)},
    begun as (
      insert into dsctl.pending_operations (id, kind, state, data_source_id, secret_id, organization_id, old_name,
        old_env, new_name, new_env, fields, actor_id, actor_email, actor_source, client, expires_at)
      select a.intent_id, 'update', 'open', f.id, f.secret_id, p.organization_id, f.name, f.env,
        case when w.renamed then w.name end, case when w.renamed then w.env end, ${fields}, p.user_id, p.email,
        ${caller.identitySource}, ${client}, ${leaseEnd(sql`a.lease`)}
      from args a join found f using (nth) join new_names w using (nth), permitted p
      where a.nth not in (select nth from recorded) and a.nth not in (select nth from blockers)
        and a.nth not in (select nth from taken)
      order by f.id),
    refused as (${refusedEvent(event, updateFailed(sql`a.nth in (select nth from recorded)`), sql`a.ref_name`)})
    select ${authorizationColumn}, (select json_agg(json_build_object('recorded', o.intent, 'candidates', c.candidates,
        'blocker', h.intent, 'taken', t.id, 'record', case when d.id is not null then ${recordJson} end,
        'current', (select ${recordJson} from data_sources d
          where o.intent is not null and d.id = (o.intent->>'data_source_id')::uuid and d.deleted_at is null))
        order by a.nth)
      from args a left join found d using (nth) left join taken t using (nth) left join ${batchCandidates} c using (nth)
        left join ${oldestIntentPerItem('recorded')} o using (nth) left join ${oldestIntentPerItem('blockers')} h using (nth)) as found`

  return runBatch('dsctl.pending_operations', { items: updates, instead: BUSY }, async () => {
    const { authorization, found } = exactlyOne(await statement.execute(db))
    return found.map((row, nth) => {
      if (row.recorded)
        return {
          kind: 'already recorded',
          intent: toIntent(row.recorded),
          record: row.current && toDataSource(row.current),
        }
      const refused = denialOf(authorization) ?? lookupFailure(row) ?? conflictOf(row, updates[nth])
      if (refused) return refused
      return row.record ? { kind: 'begun', record: toDataSource(row.record) } : { kind: 'not found' }
    })
  })
}

/** Records base versions: for each open intent, stores the version of the secret that the update replaces. */
export async function recordBaseVersions(
  db: Kysely<Database>,
  versions: readonly BaseVersion[],
): ReturnType<Records['recordBaseVersions']> {
  if (versions.length === 0) return []
  const rows = versions.map(({ intentId, version }) => ({ intent_id: intentId, version }))
  const { found } = exactlyOne(
    await sql<{ found: boolean[] }>`/* dsctl record base version */ with
    ${batchInput(rows, 'intent_id uuid, version int')},
    written as (
      update dsctl.pending_operations i set base_version = a.version from args a
      where i.id = a.intent_id and i.id = any(${valuesOf('intent_id', 'args')}) and i.state = 'open'
      returning i.id)
    select json_agg(w.id is not null order by a.nth) as found
    from args a left join written w on w.id = a.intent_id`.execute(db),
  )
  return found.map(written => (written ? 'ok' : 'changed'))
}

/**
 * Commits updates: for each open intent, updates the columns that it lists, writes the audit event, and closes the
 * intent as done. If the application changed other columns in the meantime, their values are kept.
 */
export async function commitUpdates(
  db: Kysely<Database>,
  updates: readonly UpdateCommit[],
): ReturnType<Records['commitUpdates']> {
  return runCommits(
    db,
    updates,
    sql`/* dsctl commit update */ with
    ${batchInput(
      updates.map(({ intentId, fields }) => ({ intent_id: intentId, changed: fields })),
      'intent_id uuid, changed text[]',
    )},
    intent as (
      select i.*, a.nth, a.changed from dsctl.pending_operations i join args a on i.id = a.intent_id
      where i.state = 'open' and i.id = any(${valuesOf('intent_id', 'args')}) order by i.id for update of i),
    found as (
      select i.nth, d.* from data_sources d join intent i on d.id = i.data_source_id
      where d.deleted_at is null and d.id = any(${valuesOf('data_source_id', 'intent')}) order by d.id for update of d),
    new_names as materialized (
      select i.nth, f.id, f.organization_id, i.actor_id, f.name as old_name, f.env as old_env,
        case when 'name' = any(i.fields) then coalesce(i.new_name, f.name) else f.name end as name,
        case when 'env' = any(i.fields) then coalesce(i.new_env, f.env) else f.env end as env
      from found f join intent i using (nth)),
    renamed as materialized (select *, ${spellingsInSql('name')} as spellings from new_names where (name, env) is distinct from (old_name, old_env)),
    ${namesakes({
      organization: sql`any(${valuesOf('organization_id', 'renamed')})`,
      names: valuesOf('unnest(spellings)', 'renamed'),
      inEnv: sql`select unnest(spellings), env from renamed`,
    })},
    taken as materialized (
      select distinct on (w.nth) w.nth, d.id
      from namesakes d join (select nth, id, organization_id, env, unnest(spellings) as name from renamed) w
        using (organization_id)
      where d.id <> w.id and d.name = w.name and d.env = w.env),
    written as (
      update data_sources d set name = w.name, env = w.env, updated_at = ${WRITE_TIME}, updated_by = w.actor_id
      from new_names w where d.id = w.id and d.id = any(${valuesOf('id', 'new_names')}) and w.nth not in (select nth from taken)
      returning d.*),
    ${closeAsDone},
    audited as (${intentEvent('intent', {
      outcome: sql`'done'`,
      fields: sql`i.changed`,
      from: sql`join found f using (nth) join written n on n.id = i.data_source_id`,
      before: sql`jsonb_build_object('name', f.name, 'env', f.env)`,
      after: sql`jsonb_build_object('name', n.name, 'env', n.env)`,
      where: sql`true`,
    })})
    ${commitResults}`,
  )
}
