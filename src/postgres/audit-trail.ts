import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { AuditEvent, AuditQuery, AuditTrail } from '../ports/audit-trail.ts'
import type { Caller } from '../ports/caller.ts'
import type { Ref } from '../ports/records.ts'
import { doneEvent, ifDenied, refusedEvent, tellingIfItCan } from './audit.ts'
import { type Authorization, authorization, authorized, denied } from './authorize.ts'
import { isReferredTo, utc } from './record.ts'
import { only } from './row.ts'
import type { Database } from './schema.ts'

/** The audit trail in Postgres. */
export function postgresAuditTrail(db: Kysely<Database>, client: string): AuditTrail {
  return {
    list: (caller, query) => list(db, client, { caller, query }),
    prune: (caller, before) => prune(db, client, { caller, before }),
  }
}

interface EventJson {
  id: string
  at: string
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
  const attempt = { eventId: crypto.randomUUID(), action: 'audit' }
  const { answer } = await tellingIfItCan(ifDenied(attempt, caller, client), told =>
    sql<{ authorization: Authorization; items: EventJson[] }>`/* dsctl audit */ with ${authorized(caller)}
    ${told}
    select ${authorization}, (select coalesce(json_agg(e), '[]') from (
      select id, at, actor_id, actor_email, actor_source, action, data_source_id, data_source_name, outcome, fields,
        before, after, client, settled_by
      from dsctl.audit_events e
      where organization_id = (select organization_id from permitted) and ${filter(query)}
      order by at desc, id
      limit ${query.pageSize + 1} offset ${query.page * query.pageSize}) e) as items`.execute(db),
  )
  const row = only(answer)
  const items = row.items.slice(0, query.pageSize).map(toEvent)
  return denied(row.authorization) ?? { kind: 'page', items, more: row.items.length > query.pageSize }
}

function filter({ source, actor, action, since }: AuditQuery): RawBuilder<unknown> {
  const conditions = [sql`true`]
  if (source !== undefined) conditions.push(isAbout(source))
  if (actor !== undefined) conditions.push(sql`lower(actor_email collate "C") = lower(${actor}::text collate "C")`)
  if (action !== undefined) conditions.push(sql`action = ${action}`)
  if (since !== undefined) conditions.push(sql`at >= ${since}::timestamptz`)
  return sql.join(conditions, sql` and `)
}

/** By the record that has this name, deleted or not; and by a name that it had at the time, whatever its env was. */
function isAbout(source: Ref): RawBuilder<unknown> {
  const byRecord = sql`data_source_id in (
        select d.id from data_sources d join permitted p using (organization_id) where ${isReferredTo(source)})`
  return source.env === undefined ? sql`(${byRecord} or data_source_name = ${source.text})` : byRecord
}

function toEvent(json: EventJson): AuditEvent {
  return {
    id: json.id,
    at: utc(json.at),
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

// The mark that lets DELETE through ends with the statement, which is a transaction of its own. The rows to delete come
// out of a join with it, so that it is set before the trigger looks.
async function prune(
  db: Kysely<Database>,
  client: string,
  { caller, before }: { caller: Caller; before: string },
): ReturnType<AuditTrail['prune']> {
  const event = { eventId: crypto.randomUUID(), action: 'audit prune', caller, client }
  const row = only(
    await sql<{ authorization: Authorization; events: number }>`/* dsctl audit prune */ with ${authorized(caller)},
    mark as materialized (
      select organization_id, set_config('dsctl.audit_prune', 'on', true) as is_set from permitted),
    pruned as (
      delete from dsctl.audit_events e using mark m
      where m.is_set = 'on' and e.organization_id = m.organization_id and e.at < ${before}::timestamptz
      returning e.id),
    audited as (${doneEvent({
      ...event,
      from: sql`(select count(*) as n from pruned) pruned_events`,
      after: sql`jsonb_build_object('pruned_before', ${before}::text, 'events', pruned_events.n)`,
    })}),
    refused as (${refusedEvent(event, sql`false`, null)})
    select ${authorization}, (select count(*) from pruned)::int as events`.execute(db),
  )
  return denied(row.authorization) ?? { kind: 'pruned', events: row.events }
}
