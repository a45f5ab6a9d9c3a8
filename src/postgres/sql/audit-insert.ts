import { type RawBuilder, sql } from 'kysely'
import type { Caller } from '../../ports/caller.ts'
import { WriteRefused } from '../connection/failure.ts'

const COLUMNS = sql.raw(
  'id, organization_id, actor_id, actor_email, actor_source, action, data_source_id, data_source_name, outcome, ' +
    'fields, before, after, client, settled_by, at',
)

/**
 * When a change is written. now() is when its statement came: that of one that then waited for another, or first saw what
 * another had just done, lies before it.
 */
export const WRITE_TIME = sql`clock_timestamp()`

/** What an event tells besides who, where and when. Each is an expression over the rows of `from`. */
interface EventDetails {
  readonly dataSourceId?: RawBuilder<unknown>
  readonly dataSourceName?: RawBuilder<unknown>
  readonly fields?: RawBuilder<unknown>
  readonly before?: RawBuilder<unknown>
  readonly after?: RawBuilder<unknown>
}

export interface CallerEvent extends EventDetails {
  /** Made by the client, so that a statement sent twice tells its story once; in a column where there are several. */
  readonly eventId: string | RawBuilder<string>
  readonly action: string
  readonly caller: Caller
  readonly client: string
  /** `from …` with a condition: the event is written where it has a row. */
  readonly from: RawBuilder<unknown>
}

const NULL = sql`null`

/** An INSERT of the event that the caller has done `action`; selects from `permitted` and `from`. */
export function doneEvent(event: CallerEvent): RawBuilder<unknown> {
  return sql`insert into dsctl.audit_events (${COLUMNS})
      select ${event.eventId}::uuid, p.organization_id, p.user_id, p.email, ${event.caller.identitySource}::text,
        ${event.action}::text, ${event.dataSourceId ?? NULL}::uuid, ${event.dataSourceName ?? NULL}::text, 'done',
        ${event.fields ?? sql`'{}'`}::text[], ${event.before ?? NULL}::jsonb, ${event.after ?? NULL}::jsonb,
        ${event.client}::text, null, ${WRITE_TIME}
      from permitted p, ${event.from}`
}

// A refusal has an id of its own, the same for each try, and leaves that of the event to a later try that is not refused.
// Where an event may be there already no conflict target is named: that takes SELECT, and a reader's role may only INSERT.

/**
 * An INSERT of the event that the caller was denied `action` (for lack of permission), or that it failed (permitted,
 * but `failed` holds). `name` is what they named it. With `from` each of its rows is one that was asked for.
 */
export function refusedEvent(
  event: Omit<CallerEvent, 'from'> & { readonly from?: RawBuilder<unknown> },
  failed: RawBuilder<unknown>,
  name: string | null | RawBuilder<string>,
): RawBuilder<unknown> {
  return sql`insert into dsctl.audit_events (${COLUMNS})
      select overlay(${event.eventId}::text placing '8' from 15)::uuid,
        (select organization_id from chosen where (select count(*) from chosen) = 1),
        (select id from callers where (select count(*) from callers) = 1), ${event.caller.email}::text,
        ${event.caller.identitySource}::text, ${event.action}::text, null, ${name}::text,
        case when exists (select from permitted) then 'failed' else 'denied' end,
        ${event.fields ?? sql`'{}'`}::text[], ${event.before ?? NULL}::jsonb, ${event.after ?? NULL}::jsonb,
        ${event.client}::text, null, ${WRITE_TIME}
      from ${event.from ?? sql`(select) asked`}
      where (not exists (select from permitted) or (${failed}))
      on conflict do nothing`
}

/**
 * Runs a statement that reads, with these expressions beside it that write what it tells. Where they can't be written (a
 * standby, a role without INSERT) it runs without them.
 */
export async function auditIfWritable<A>(
  told: readonly RawBuilder<unknown>[],
  run: (told: RawBuilder<unknown>) => Promise<A>,
): Promise<{ readonly answer: A; readonly unaudited: boolean }> {
  if (told.length === 0) return { answer: await run(sql``), unaudited: false }
  try {
    const named = told.map((each, at) => sql`, ${sql.raw(`told_${at + 1}`)} as (${each})`)
    return { answer: await run(sql.join(named, sql``)), unaudited: false }
  } catch (error) {
    if (!(error instanceof WriteRefused)) throw error
    return { answer: await run(sql``), unaudited: true }
  }
}

/** What a look tells that is denied, of what it was for; nothing where it was for nothing that is audited. */
export function deniedEvents(
  attempt: Pick<CallerEvent, 'eventId' | 'action'> | undefined,
  caller: Caller,
  client: string,
): readonly RawBuilder<unknown>[] {
  return attempt ? [refusedEvent({ ...attempt, caller, client }, sql`false`, null)] : []
}

interface IntentEvent extends EventDetails {
  readonly outcome: RawBuilder<unknown>
  readonly settledBy?: RawBuilder<unknown>
  /** More to select from: a join with what is named in the expressions. */
  readonly from?: RawBuilder<unknown>
  readonly where: RawBuilder<unknown>
}

/** An INSERT of the event of an intent's end; selects from `intent`, a CTE with the columns of pending_operations. */
export function intentEvent(intent: string, event: IntentEvent): RawBuilder<unknown> {
  return sql`insert into dsctl.audit_events (${COLUMNS})
      select i.id, i.organization_id, i.actor_id, i.actor_email, i.actor_source, i.kind, i.data_source_id,
        coalesce(i.old_name, i.new_name), ${event.outcome}, ${event.fields ?? sql`i.fields`}::text[],
        ${event.before ?? NULL}::jsonb, ${event.after ?? NULL}::jsonb, i.client, ${event.settledBy ?? NULL}::text,
        ${WRITE_TIME}
      from ${sql.table(intent)} i ${event.from ?? sql``} where ${event.where}
      on conflict do nothing`
}
