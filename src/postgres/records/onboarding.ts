import { type Kysely, type RawBuilder, sql } from 'kysely'
import { ONBOARDING_ALLOWED_FROM } from '../../domain/data-source.ts'
import type { Caller } from '../../ports/caller.ts'
import type { Onboarding, OnboardingMove } from '../../ports/onboarding.ts'
import type { Database } from '../schema/tables.ts'
import { inTypeOfColumn } from '../sql/accepted-types.ts'
import { doneEvent, refusedEvent, WRITE_TIME } from '../sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, denialOf } from '../sql/authorize.ts'
import { unlessUniqueViolation } from '../sql/conflict.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { explainDenial } from '../sql/explain-denial.ts'
import {
  candidates,
  lookupFailure,
  type RecordJson,
  recordJsonIn,
  refTargets,
  toDataSource,
} from '../sql/record-columns.ts'
import { withSpellings } from '../sql/spellings.ts'

/** Onboarding in Postgres. `client`: host and version of this process, for the audit trail. */
export function postgresOnboarding(db: Kysely<Database>, client: string): Onboarding {
  return withSpellings({
    move: (caller: Caller, move: OnboardingMove) =>
      explainDenial(db, { caller, client, action: 'onboarding' }, () => moveStatus(db, client, { caller, move })),
  })
}

interface Moved {
  authorization: Authorization
  candidates: { id: string; name: string; env: string }[]
  found: RecordJson | null
  before: RecordJson | null
  written: RecordJson | null
}

/** The UPDATE itself checks the current status, so that the second of two concurrent changes sees the first. */
async function moveStatus(
  db: Kysely<Database>,
  client: string,
  { caller, move }: { caller: Caller; move: OnboardingMove },
): ReturnType<Onboarding['move']> {
  const { eventId, ref, status, error } = move
  const same = (row: RawBuilder<unknown>) =>
    sql`(${row}.onboarding_status::text = ${status} and ${row}.onboarding_error is not distinct from ${error ?? null}::text)`
  const event = { eventId, action: 'onboarding', caller, client, fields: sql`'{onboarding_status}'` }
  const statement = sql<Moved>`/* dsctl onboarding */ with ${authorize(caller)},
    ${refTargets(ref)},
    found as (
      select d.* from data_sources d
      where d.id = (select id from targets where (select count(*) from targets) = 1) and d.deleted_at is null
      for update),
    before as (
      select d.* from data_sources d join dsctl.audit_events e on e.data_source_id = d.id
      where e.id = ${eventId} and e.outcome = 'done'),
    written as (
      update data_sources d set onboarding_status = ${inTypeOfColumn('onboarding_status', sql`${status}::text`)},
        onboarding_error = ${error ?? null}::text, updated_at = ${WRITE_TIME}, updated_by = p.user_id
      from found f, permitted p
      where d.id = f.id and d.onboarding_status::text = any(${[status, ...ONBOARDING_ALLOWED_FROM[status]]}::text[])
        and not ${same(sql`d`)} and not exists (select from before)
      returning d.*),
    audited as (${doneEvent({
      ...event,
      fields: sql`case when o.onboarding_status = n.onboarding_status then '{onboarding_error}'
        else '{onboarding_status}' end`,
      from: sql`found o, written n`,
      dataSourceId: sql`n.id`,
      dataSourceName: sql`n.name`,
      before: sql`jsonb_build_object('onboarding_status', o.onboarding_status)`,
      after: sql`jsonb_build_object('onboarding_status', n.onboarding_status)`,
    })}),
    refused as (${refusedEvent(
      event,
      sql`not exists (select from before) and not exists (select from written)
        and not exists (select from found f where ${same(sql`f`)})`,
      ref.text,
    )})
    select ${authorizationColumn}, ${candidates} as candidates, ${recordJsonIn('found')} as found, ${recordJsonIn('before')} as before,
      ${recordJsonIn('written')} as written`

  // If an earlier try commits concurrently, its event violates the primary key. The second run finds that event.
  const result =
    (await unlessUniqueViolation('dsctl.audit_events', undefined, () => statement.execute(db))) ??
    (await statement.execute(db))
  const row = exactlyOne(result)
  const done = row.before ?? row.written
  if (done) return { kind: 'done', record: toDataSource(done) }
  const refused = denialOf(row.authorization) ?? lookupFailure(row)
  if (refused) return refused
  if (!row.found) return { kind: 'not found' }
  const from = row.found.onboarding_status
  return from === status ? { kind: 'unchanged', record: toDataSource(row.found) } : { kind: 'refused', from }
}
