import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { AuditEvent, AuditFilter, AuditQuery, AuditTrail, TimeBound } from '../ports/audit-trail.ts'
import type { Caller } from '../ports/caller.ts'
import type { Ref } from '../ports/lookup.ts'
import type { Database } from './schema/tables.ts'
import { auditIfWritable, deniedEvents, doneEvent, refusedEvent } from './sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, callerOrganization, denialOf } from './sql/authorize.ts'
import { exactlyOne } from './sql/exactly-one.ts'
import { explainDenial } from './sql/explain-denial.ts'
import { type Page, paginate } from './sql/paginate.ts'
import { matchesRef, toIsoTime } from './sql/record-columns.ts'
import { withSpellings } from './sql/spellings.ts'

/** The audit trail in Postgres. `client`: host and version of this process. */
export function postgresAuditTrail(db: Kysely<Database>, client: string): AuditTrail {
  return withSpellings<AuditTrail>({
    list: (caller, query) =>
      explainDenial(db, { caller, client, action: 'audit' }, () => list(db, client, { caller, query })),
    listAll: (caller, filter, onPage) =>
      explainDenial(db, { caller, client, action: 'audit' }, () => listAll(db, { caller, filter, onPage })),
    prune: (caller, before) =>
      explainDenial(db, { caller, client, action: 'audit prune' }, () => prune(db, client, { caller, before })),
  })
}

interface EventJson {
  id: string
  at: string
  organization_id: string
  actor_id: string | null
  actor_email: string
  actor_source: string
  action: string
  data_source_id: string | null
  data_source_name: string | null
  outcome: AuditEvent['outcome']
  fields: string[]
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  client: string
  settled_by: string | null
}

async function list(
  db: Kysely<Database>,
  client: string,
  { caller, query }: { caller: Caller; query: AuditQuery },
): ReturnType<AuditTrail['list']> {
  const event = { eventId: crypto.randomUUID(), action: 'audit' }
  const { page, pageSize } = query
  const rows = sql`${events(query)} limit ${pageSize + 1} offset ${page * pageSize}`
  const { answer: found } = await auditIfWritable(deniedEvents(event, caller, client), auditCtes =>
    read(db, { caller, rows, auditCtes }),
  )
  if ('kind' in found) return found
  return { kind: 'page', items: found.slice(0, pageSize).map(toEvent), more: found.length > pageSize }
}

const PAGE_SIZE = 500

/** All events, from one snapshot. */
function listAll(
  db: Kysely<Database>,
  { caller, filter, onPage }: { caller: Caller; filter: AuditFilter; onPage: Parameters<AuditTrail['listAll']>[2] },
): ReturnType<AuditTrail['listAll']> {
  const readPage = async (snapshot: Kysely<Database>, after: EventJson | undefined) => {
    const rows = after ? rowsAfter(filter, after) : sql`${events(filter)} limit ${PAGE_SIZE + 1}`
    const found = await read(snapshot, { caller, rows, auditCtes: sql`` })
    return 'kind' in found
      ? found
      : ({ rows: found.slice(0, PAGE_SIZE), more: found.length > PAGE_SIZE } satisfies Page<EventJson>)
  }
  return paginate(db, readPage, page => onPage(page.map(toEvent)))
}

async function read(
  db: Kysely<Database>,
  { caller, rows, auditCtes }: { caller: Caller; rows: RawBuilder<unknown>; auditCtes: RawBuilder<unknown> },
) {
  const row = exactlyOne(
    await sql<{ authorization: Authorization; items: EventJson[] }>`/* dsctl audit */ with ${authorize(caller)}
    ${auditCtes}
    select ${authorizationColumn}, (select coalesce(json_agg(e), '[]') from (${rows}) e) as items`.execute(db),
  )
  return denialOf(row.authorization) ?? row.items
}

const columns = sql`id, at, organization_id, actor_id, actor_email, actor_source, action, data_source_id,
      data_source_name, outcome, fields, before, after, client, settled_by`

function events(filter: AuditFilter): RawBuilder<unknown> {
  return sql`select ${columns} from dsctl.audit_events
      where organization_id = ${callerOrganization} and ${matching(filter)} order by at desc, id`
}

// As in records/list.ts: the time is the text from Postgres, and each half starts at the right place in the index.
function rowsAfter(filter: AuditFilter, { at, id, organization_id }: EventJson): RawBuilder<unknown> {
  const rest = (where: RawBuilder<unknown>) => sql`(select ${columns} from dsctl.audit_events
        where organization_id = ${organization_id}::uuid and ${organization_id}::uuid = ${callerOrganization}
          and ${matching(filter)} and ${where}
        order by at desc, id limit ${PAGE_SIZE + 1})`
  return sql`select * from (
      ${rest(sql`at = ${at}::timestamptz and id > ${id}::uuid`)} union all ${rest(sql`at < ${at}::timestamptz`)}) e
      order by at desc, id limit ${PAGE_SIZE + 1}`
}

function matching({ source, actor, action, since }: AuditFilter): RawBuilder<unknown> {
  const conditions = [sql`true`]
  if (source !== undefined) conditions.push(isAbout(source))
  if (actor !== undefined) conditions.push(sql`lower(actor_email collate "C") = lower(${actor}::text collate "C")`)
  if (action !== undefined) conditions.push(sql`action = ${action}`)
  if (since !== undefined) conditions.push(sql`at >= ${timeOf(since)}`)
  return sql.join(conditions, sql` and `)
}

/**
 * Matches events about records with this name or id, deleted or not. Without an env, also matches events about records
 * that had this name at the time.
 */
function isAbout(source: Ref): RawBuilder<unknown> {
  const byRecord = sql`data_source_id in (
        select d.id from data_sources d join permitted p using (organization_id) where ${matchesRef(source)})`
  return source.env === undefined ? sql`(${byRecord} or data_source_name = ${source.text})` : byRecord
}

function timeOf(bound: TimeBound): RawBuilder<unknown> {
  return 'at' in bound ? sql`${bound.at}::timestamptz` : sql`now() - make_interval(secs => ${bound.secondsAgo})`
}

function toEvent(json: EventJson): AuditEvent {
  return {
    id: json.id,
    at: toIsoTime(json.at),
    actorId: json.actor_id,
    actorEmail: json.actor_email,
    actorSource: json.actor_source,
    action: json.action,
    dataSourceId: json.data_source_id,
    dataSourceName: json.data_source_name,
    outcome: json.outcome,
    fields: json.fields,
    before: json.before,
    after: json.after,
    client: json.client,
    settledBy: json.settled_by,
  }
}

// The trigger permits DELETE only if this setting is on. The setting is local to the transaction, which is this
// statement. The DELETE joins the CTE that sets it, so that it is set before the trigger runs.
async function prune(
  db: Kysely<Database>,
  client: string,
  { caller, before }: { caller: Caller; before: TimeBound },
): ReturnType<AuditTrail['prune']> {
  const event = { eventId: crypto.randomUUID(), action: 'audit prune', caller, client }
  const row = exactlyOne(
    await sql<{ authorization: Authorization; events: number }>`/* dsctl audit prune */ with ${authorize(caller)},
    mark as materialized (
      select organization_id, set_config('dsctl.audit_prune', 'on', true) as is_set from permitted),
    pruned as (
      delete from dsctl.audit_events e using mark m
      where m.is_set = 'on' and e.organization_id = m.organization_id and e.at < ${timeOf(before)}
      returning e.id),
    audited as (${doneEvent({
      ...event,
      from: sql`(select count(*) as n from pruned) pruned_events`,
      after: sql`jsonb_build_object('pruned_before', ${'at' in before ? sql`${before.at}::text` : timeOf(before)}, 'events', pruned_events.n)`,
    })}),
    refused as (${refusedEvent(event, sql`false`, null)})
    select ${authorizationColumn}, (select count(*) from pruned)::int as events`.execute(db),
  )
  return denialOf(row.authorization) ?? { kind: 'pruned', events: row.events }
}
