import { type Kysely, sql } from 'kysely'
import type { Caller } from '../ports/caller.ts'
import type { LiveRecord, RecordsHealth, UnclosedIntent } from '../ports/health.ts'
import { indexProblems, missingPrivileges } from './schema/check-schema.ts'
import type { Database } from './schema/tables.ts'
import { auditIfWritable, deniedEvents } from './sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, denialOf } from './sql/authorize.ts'
import { exactlyOne } from './sql/exactly-one.ts'
import { explainDenial } from './sql/explain-denial.ts'
import { type IntentJson, toIntent } from './sql/intent-columns.ts'
import { toIsoTime } from './sql/record-columns.ts'

/** The checks of `doctor` in Postgres. `client`: host and version of this process, for the audit trail. */
export function postgresHealth(db: Kysely<Database>, client: string): RecordsHealth {
  return {
    privileges: () => missingPrivileges(db),
    indexes: () => indexProblems(db),
    unclosedIntents: caller =>
      explainDenial(db, { caller, client, action: 'doctor' }, () => unclosed(db, client, caller)),
    liveRecords: (caller, after) => records(db, caller, after),
    classifySecrets: (caller, secretIds) => explain(db, caller, secretIds),
    pruneIntents: caller => prune(db, caller),
  }
}

interface UnclosedRow {
  authorization: Authorization
  organization_id: string
  intents: UnclosedJson[]
}

interface UnclosedJson extends IntentJson {
  name: string
  actor_email: string
  created_at: string
  expires_at: string
}

async function unclosed(
  db: Kysely<Database>,
  client: string,
  caller: Caller,
): ReturnType<RecordsHealth['unclosedIntents']> {
  const event = { eventId: crypto.randomUUID(), action: 'doctor' }
  const { answer } = await auditIfWritable(deniedEvents(event, caller, client), auditCtes =>
    sql<UnclosedRow>`/* dsctl doctor: unclosed intents */ with
    ${authorize(caller)}
    ${auditCtes}
    select ${authorizationColumn}, (select organization_id from permitted) as organization_id,
      (select coalesce(json_agg(i order by i.created_at, i.id), '[]') from (
      select i.*, i.expires_at <= now() as expired, coalesce(i.old_name, i.new_name) as name
      from dsctl.pending_operations i join permitted p using (organization_id) where i.state <> 'closed') i) as intents`.execute(
      db,
    ),
  )
  const row = exactlyOne(answer)
  const intents = row.intents.map(
    (json): UnclosedIntent => ({
      ...toIntent(json),
      name: json.name,
      actor: json.actor_email,
      since: toIsoTime(json.created_at),
      until: toIsoTime(json.expires_at),
    }),
  )
  return denialOf(row.authorization) ?? { kind: 'intents', organizationId: row.organization_id, intents }
}

const TOTAL = sql`(select count(*)::int from data_sources
      where organization_id = (select organization_id from permitted) and deleted_at is null)`

interface LiveRow {
  authorization: Authorization
  total: number | null
  records: LiveJson[]
}

interface LiveJson {
  id: string
  name: string
  env: string
  type: string
  secret_id: string
}

async function records(
  db: Kysely<Database>,
  caller: Caller,
  after: string | undefined,
): ReturnType<RecordsHealth['liveRecords']> {
  const row = exactlyOne(
    await sql<LiveRow>`/* dsctl doctor: live records */ with
    ${authorize(caller)}
    select ${authorizationColumn}, ${after === undefined ? TOTAL : sql`null`} as total, (select coalesce(json_agg(d), '[]') from (
      select id, name, env, type, secret_id from data_sources
      where organization_id = (select organization_id from permitted) and deleted_at is null
        and id > ${after ?? '00000000-0000-0000-0000-000000000000'}::uuid
      order by id limit 1000) d) as records`.execute(db),
  )
  const live = row.records.map(({ secret_id, ...record }): LiveRecord => ({ ...record, secretId: secret_id }))
  return denialOf(row.authorization) ?? { kind: 'page', records: live, total: row.total ?? undefined }
}

interface ClassifiedRow {
  authorization: Authorization
  removable: string[]
  deleted: string[]
  unknown: string[]
  sees_all_rows: boolean
}

// `rolled_back`: ids of closed creates without a record, and of closed deletes. A secret with one of these ids was
// written late, or its delete could not remove it. Closed intents are kept for 30 days.
async function explain(
  db: Kysely<Database>,
  caller: Caller,
  ids: readonly string[],
): ReturnType<RecordsHealth['classifySecrets']> {
  const row = exactlyOne(
    await sql<ClassifiedRow>`/* dsctl doctor: classify secrets */ with ${authorize(caller)},
    given as (select id::uuid as id from unnest(${ids}::text[]) id),
    live as (select g.id from given g join data_sources d on d.secret_id = g.id where d.deleted_at is null),
    rolled_back_anywhere as (
      select g.id, i.organization_id from given g join dsctl.pending_operations i on i.secret_id = g.id
      where i.state = 'closed' and (i.kind = 'delete' or (i.kind = 'create' and i.outcome = 'none'))
        and g.id not in (select id from live)),
    rolled_back as (select u.id from rolled_back_anywhere u join permitted p using (organization_id)),
    open as (
      select g.id from given g join dsctl.pending_operations i on i.secret_id = g.id where i.state <> 'closed'),
    deleted as (
      select g.id from given g join data_sources d on d.secret_id = g.id join permitted p using (organization_id)
      where d.deleted_at is not null
        and g.id not in (select id from live union select id from rolled_back union select id from open)),
    known as (
      select id from live union select id from rolled_back_anywhere union select id from open
      union select secret_id from data_sources where secret_id in (select id from given))
    select ${authorizationColumn}, array(select distinct id::text from rolled_back) as removable,
      array(select distinct id::text from deleted) as deleted,
      array(select id::text from given where id not in (select id from known)) as unknown,
      not row_security_active('data_sources') as sees_all_rows`.execute(db),
  )
  const { removable, deleted, unknown, sees_all_rows: seesAllRows } = row
  return denialOf(row.authorization) ?? { kind: 'classified', removable, deleted, unknown, seesAllRows }
}

async function prune(db: Kysely<Database>, caller: Caller): ReturnType<RecordsHealth['pruneIntents']> {
  const row = exactlyOne(
    await sql<{ authorization: Authorization; count: number }>`/* dsctl doctor: prune */ with ${authorize(caller)},
    pruned as (
      delete from dsctl.pending_operations where state = 'closed' and closed_at < now() - interval '30 days'
        and organization_id = (select organization_id from permitted)
      returning id)
    select ${authorizationColumn}, (select count(*)::int from pruned) as count`.execute(db),
  )
  return denialOf(row.authorization) ?? { kind: 'pruned', count: row.count }
}
