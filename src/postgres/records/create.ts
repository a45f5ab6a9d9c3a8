import { type Kysely, sql } from 'kysely'
import type { Caller } from '../../ports/caller.ts'
import type { CreateCommit, NewCreate } from '../../ports/record-steps.ts'
import type { Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { acceptedTypes, inTypeOfColumn } from '../sql/accepted-types.ts'
import { intentEvent, refusedEvent } from '../sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, callerOrganization, denialOf } from '../sql/authorize.ts'
import { batchInput, valuesOf } from '../sql/batch-input.ts'
import { BUSY, conflictOf, runBatch } from '../sql/conflict.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import {
  type IntentJson,
  leaseEnd,
  nameHolder,
  oldestIntentPerItem,
  recordedIntents,
  toIntent,
} from '../sql/intent-columns.ts'
import { namesakes, spellingsInSql } from '../sql/record-columns.ts'
import { spellingsOf } from '../sql/spellings.ts'
import { closeAsDone, commitResults, runCommits, WRITTEN } from './commit.ts'

interface Begun {
  authorization: Authorization
  organization_id: string | null
  /** Null if the database accepts any type. */
  types: readonly string[] | null
  found: readonly { recorded: IntentJson | null; blocker: IntentJson | null; taken: string | null; misfit: boolean }[]
}

/** Begins creates: checks permission and that the names are free, and records the intents. */
export async function beginCreates(
  db: Kysely<Database>,
  client: string,
  { caller, creates }: { caller: Caller; creates: readonly NewCreate[] },
): ReturnType<Records['beginCreates']> {
  const columns =
    'intent_id uuid, id uuid, name text, spellings text[], env text, type text, fields text[], lease float8, fails boolean'
  const rows = creates.map(({ intentId, failsIfTaken, ...rest }) => ({
    ...rest,
    spellings: spellingsOf(rest.name),
    intent_id: intentId,
    fails: failsIfTaken,
  }))
  const names = rows.flatMap(({ spellings }) => spellings)
  const statement = sql<Begun>`/* dsctl begin create */ with ${authorize(caller)},
    ${batchInput(rows, columns)},
    ${recordedIntents},
    blockers as materialized (
      select a.nth, i.* from args a, ${nameHolder({ organization: callerOrganization, name: sql`any(a.spellings)`, env: sql`a.env` })}),
    ${namesakes({ organization: callerOrganization, names: sql`${names}::text[]`, inEnv: sql`select unnest(spellings), env from args` })},
    taken as materialized (
      select distinct on (a.nth) a.nth, d.id
      from namesakes d join (select nth, env, unnest(spellings) as name from args) a on d.name = a.name and d.env = a.env),
    types as materialized (select ${acceptedTypes} as accepted),
    checked as materialized (
      select a.*, o.intent as recorded, h.intent as blocker, t.id as taken, coalesce(a.type <> all(x.accepted), false) as misfit
      from types x cross join args a left join ${oldestIntentPerItem('recorded')} o using (nth) left join ${oldestIntentPerItem('blockers')} h using (nth)
        left join taken t using (nth)),
    begun as (
      insert into dsctl.pending_operations (id, kind, state, data_source_id, secret_id, organization_id, new_name,
        new_env, fields, actor_id, actor_email, actor_source, client, expires_at)
      select j.intent_id, 'create', 'open', j.id, j.id, p.organization_id, j.name, j.env, j.fields, p.user_id, p.email,
        ${caller.identitySource}, ${client}, ${leaseEnd(sql`j.lease`)}
      from checked j, permitted p
      where j.recorded is null and j.blocker is null and j.taken is null and not j.misfit
      order by j.env, j.name),
    refused as (${refusedEvent(
      { action: 'create', caller, client, eventId: sql`j.intent_id`, fields: sql`j.fields`, from: sql`checked j` },
      sql`j.fails and j.taken is not null and j.recorded is null and j.blocker is null`,
      sql`j.name`,
    )})
    select ${authorizationColumn}, ${callerOrganization} as organization_id,
      (select accepted from types) as types,
      (select json_agg(json_build_object('recorded', j.recorded, 'blocker', j.blocker, 'taken', j.taken,
          'misfit', j.misfit) order by j.nth)
        from checked j) as found`

  return runBatch('dsctl.pending_operations', { items: creates, instead: BUSY }, async () => {
    const row = exactlyOne(await statement.execute(db))
    return row.found.map((found, nth) => {
      if (found.recorded) return { kind: 'already recorded', intent: toIntent(found.recorded) }
      const misfit = found.misfit ? ({ kind: 'type refused', accepted: row.types ?? [] } as const) : undefined
      const refused = denialOf(row.authorization) ?? misfit ?? conflictOf(found, creates[nth])
      return refused ?? { kind: 'begun', organizationId: row.organization_id ?? '' }
    })
  })
}

/** Commits creates: for each open intent, inserts the row, writes the audit event, and closes the intent as done. */
export async function commitCreates(
  db: Kysely<Database>,
  rows: readonly CreateCommit[],
): ReturnType<Records['commitCreates']> {
  return runCommits(
    db,
    rows,
    sql`/* dsctl commit create */ with
    ${batchInput(
      rows.map(({ intentId, type }) => ({ intent_id: intentId, type })),
      'intent_id uuid, type text',
    )},
    intent as (
      select i.*, a.nth, a.type, ${spellingsInSql('i.new_name')} as spellings from dsctl.pending_operations i join args a on i.id = a.intent_id
      where i.state = 'open' and i.id = any(${valuesOf('intent_id', 'args')}) order by i.id for update of i),
    ${namesakes({
      organization: sql`any(${valuesOf('organization_id', 'intent')})`,
      names: valuesOf('unnest(spellings)', 'intent'),
      inEnv: sql`select unnest(spellings), new_env from intent`,
    })},
    taken as materialized (
      select distinct on (i.nth) i.nth, d.id
      from namesakes d join (select nth, organization_id, new_env, unnest(spellings) as name from intent) i
        using (organization_id)
      where d.name = i.name and d.env = i.new_env),
    written as (
      insert into data_sources (id, name, type, secret_id, organization_id, created_by, updated_by, created_at,
        updated_at, env)
      select data_source_id, new_name, ${inTypeOfColumn('type', sql`i.type`)}, secret_id, organization_id, actor_id, actor_id, now(), now(), new_env
      from intent i where i.nth not in (select nth from taken)
      order by new_env, new_name
      returning *),
    ${closeAsDone},
    audited as (${intentEvent('intent', {
      outcome: sql`'done'`,
      after: sql`jsonb_build_object('name', i.new_name, 'env', i.new_env)`,
      where: WRITTEN,
    })})
    ${commitResults}`,
  )
}
