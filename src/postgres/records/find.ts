import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { NameAndEnv } from '../../domain/data-source.ts'
import type { Caller } from '../../ports/caller.ts'
import type { FindAudit, NameLookupAudit, Ref } from '../../ports/lookup.ts'
import type { Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { acceptedTypes } from '../sql/accepted-types.ts'
import { auditIfWritable, doneEvent, refusedEvent } from '../sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, callerOrganization, denialOf } from '../sql/authorize.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import {
  candidates,
  lookupFailure,
  type RecordJson,
  recordJsonIn,
  refTargets,
  toDataSource,
} from '../sql/record-columns.ts'
import { spellingsOf } from '../sql/spellings.ts'

/** Finds one live record. With `audit`, the same statement writes the audit event. */
export async function find(
  db: Kysely<Database>,
  client: string,
  { caller, ref, audit }: { caller: Caller; ref: Ref; audit: FindAudit | undefined },
): ReturnType<Records['find']> {
  if (!audit) return findWith(db, { caller, ref, auditCtes: sql`` })
  const { action, outcome } = AUDITS[audit]
  const event = { eventId: crypto.randomUUID(), action, caller, client }
  const done = doneEvent({
    ...event,
    outcome: outcome ?? 'done',
    from: sql`found f`,
    dataSourceId: sql`f.id`,
    dataSourceName: sql`f.name`,
  })
  const refused = refusedEvent(
    { ...event, eventId: crypto.randomUUID() },
    sql`not exists (select from found)`,
    ref.text,
  )
  const { answer, unaudited } = await auditIfWritable(outcome ? [done, refused] : [refused], auditCtes =>
    findWith(db, { caller, ref, auditCtes }),
  )
  return unaudited && answer.kind === 'found' ? { ...answer, unaudited } : answer
}

/** The audited action, and whether a lookup that succeeds is audited too. */
const AUDITS: Readonly<Record<FindAudit, { action: string; outcome?: 'done' | 'failed' }>> = {
  get: { action: 'get', outcome: 'done' },
  test: { action: 'test', outcome: 'done' },
  'failed test': { action: 'test', outcome: 'failed' },
  'refused test': { action: 'test' },
  'refused update': { action: 'update' },
  'refused delete': { action: 'delete' },
}

interface Found {
  authorization: Authorization
  candidates: { id: string; name: string; env: string }[]
  record: RecordJson | null
}

async function findWith(
  db: Kysely<Database>,
  { caller, ref, auditCtes }: { caller: Caller; ref: Ref; auditCtes: RawBuilder<unknown> },
): ReturnType<Records['find']> {
  const row = exactlyOne(
    await sql<Found>`/* dsctl find */ with ${authorize(caller)},
    ${refTargets(ref)},
    found as (select d.* from targets d where (select count(*) from targets) = 1)
    ${auditCtes}
    select ${authorizationColumn}, ${candidates} as candidates, ${recordJsonIn('found')} as record`.execute(db),
  )
  const refused = denialOf(row.authorization) ?? lookupFailure(row)
  if (refused) return refused
  return row.record ? { kind: 'found', record: toDataSource(row.record) } : { kind: 'not found' }
}

/** Whether a name is free. */
export async function findName(
  db: Kysely<Database>,
  client: string,
  { caller, name: { name, env }, audit }: { caller: Caller; name: NameAndEnv; audit: NameLookupAudit | undefined },
): ReturnType<Records['findName']> {
  const { answer, unaudited } = await auditIfWritable(
    audit ? lookupEvents(audit, { caller, client, name }) : [],
    auditCtes =>
      sql<NameRow>`/* dsctl find name */ with ${authorize(caller)},
    taken as (select d.id from data_sources d
      where d.organization_id = ${callerOrganization} and d.deleted_at is null and d.name = any(${spellingsOf(name)}::text[]) and d.env = ${env} limit 1)
    ${auditCtes}
    select ${authorizationColumn}, (select id from taken) as taken, ${acceptedTypes} as types`.execute(db),
  )
  const row = exactlyOne(answer)
  const free = row.taken ? { kind: 'taken' as const, id: row.taken, name, env } : { kind: 'free' as const }
  return (
    denialOf(row.authorization) ?? { ...free, ...(unaudited && { unaudited }), ...(row.types && { types: row.types }) }
  )
}

interface NameRow {
  authorization: Authorization
  taken: string | null
  types: string[] | null
}

function lookupEvents(
  { failsIfTaken, outcome, ...attempt }: NameLookupAudit,
  { name, ...who }: { caller: Caller; client: string; name: string },
): readonly RawBuilder<unknown>[] {
  const event = { ...attempt, ...who }
  const failed = failsIfTaken ? sql`exists (select from taken)` : sql`false`
  const done = { ...event, outcome: outcome ?? 'done', dataSourceName: sql`${name}`, from: sql`(select) once` }
  return [refusedEvent(event, failed, name), ...(outcome ? [doneEvent(done)] : [])]
}
