import type { Caller } from '../../../src/ports/caller.ts'
import type { Authorization } from './authorize.ts'
import type { AuditEvent, MemoryDatabase, MemoryIntent } from './database.ts'

/** What a caller's event tells whatever became of it. */
export interface CallerEvent {
  /** Of the event that it was done; that of its refusal is made of it. */
  readonly eventId: string
  readonly action: string
  readonly caller: Caller
  readonly client: string
  readonly fields: readonly string[]
}

type EventDetails = Pick<AuditEvent, 'dataSourceId' | 'dataSourceName' | 'before' | 'after'>

export function recordDone(
  db: MemoryDatabase,
  asked: CallerEvent,
  who: Authorization,
  told: Partial<EventDetails>,
): void {
  record(db, { ...eventOf(asked, who), id: asked.eventId, outcome: 'done', ...told })
}

/** That it was denied, or failed; once, however often it is tried. */
export function recordRefused(db: MemoryDatabase, asked: CallerEvent, who: Authorization, name: string | null): void {
  const outcome = who.denied ? 'denied' : 'failed'
  record(db, { ...eventOf(asked, who), id: `${asked.eventId} refused`, outcome, dataSourceName: name })
}

/** How an intent ended. */
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
