import type { Caller } from '../../../src/ports/caller.ts'
import type { Authorization } from './authorize.ts'
import type { AuditEvent, MemoryDatabase, MemoryIntent } from './database.ts'

/** The parts of a caller's event that do not depend on the outcome. */
export interface CallerEvent {
  /** The id of the event for success. The event for a refusal has an id derived from it. */
  readonly eventId: string
  readonly action: string
  readonly caller: Caller
  readonly client: string
  readonly fields: readonly string[]
}

type EventDetails = Pick<AuditEvent, 'dataSourceId' | 'dataSourceName' | 'before' | 'after'>

export function recordDone(
  db: MemoryDatabase,
  event: CallerEvent,
  who: Authorization,
  details: Partial<EventDetails>,
): void {
  record(db, { ...eventOf(event, who), id: event.eventId, outcome: 'done', ...details })
}

/** Records that the operation was denied or failed; once, even if it is retried. */
export function recordRefused(db: MemoryDatabase, event: CallerEvent, who: Authorization, name: string | null): void {
  const outcome = who.denied ? 'denied' : 'failed'
  record(db, { ...eventOf(event, who), id: `${event.eventId} refused`, outcome, dataSourceName: name })
}

/** Records the outcome of an intent. */
export function recordOutcome(
  db: MemoryDatabase,
  intent: MemoryIntent,
  end: Pick<AuditEvent, 'outcome'> & Partial<AuditEvent>,
): void {
  const { id, organizationId, actorId, actorEmail, actorSource, kind, dataSourceId, fields, client } = intent
  const dataSourceName = intent.oldName ?? intent.newName
  const event = { id, organizationId, actorId, actorEmail, actorSource, action: kind, dataSourceId, dataSourceName }
  record(db, { ...event, fields, client, before: null, after: null, settledBy: null, ...end })
}

function eventOf(
  { action, caller, client, fields }: CallerEvent,
  who: Authorization,
): Omit<AuditEvent, 'id' | 'outcome'> {
  return {
    organizationId: who.organizationId,
    actorId: who.userId,
    actorEmail: caller.email,
    actorSource: caller.identitySource,
    ...{ action, client, fields, dataSourceId: null, dataSourceName: null, before: null, after: null, settledBy: null },
  }
}

function record(db: MemoryDatabase, event: AuditEvent): void {
  if (!db.events.some(({ id }) => id === event.id)) db.events.push(event)
}
