import type { AuditEvent, AuditFilter, AuditQuery, AuditTrail, TimeBound } from '../ports/audit-trail.ts'
import type { Caller } from '../ports/caller.ts'
import { permitted } from './authorize.ts'
import { sendUnlogged } from './send-unlogged.ts'

export interface AuditAccess {
  readonly caller: Caller
  readonly trail: AuditTrail
}

/** Returns a page of the organization's events, newest first. `more`: another page follows. */
export async function listEvents(
  { caller, trail }: AuditAccess,
  query: AuditQuery,
): Promise<{ items: readonly AuditEvent[]; more: boolean }> {
  return permitted(await trail.list(caller, query))
}

/**
 * Passes all of the organization's events to `take`, page by page, from one snapshot. `take` returns whether to
 * continue.
 */
export async function listAllEvents(
  { caller, trail }: AuditAccess,
  filter: AuditFilter,
  take: (page: readonly AuditEvent[]) => Promise<boolean>,
): Promise<void> {
  const answer = await trail.listAll(caller, filter, take)
  // The statements of listAll are read-only, so they cannot audit the denial. Listing one page does.
  if (answer.kind === 'denied') await trail.list(caller, { ...filter, page: 0, pageSize: 1 })
  permitted(answer)
}

/** Deletes the organization's events before a time. Returns how many. */
export async function pruneEvents({ caller, trail }: AuditAccess, before: TimeBound): Promise<number> {
  const pruned = await sendUnlogged(() => trail.prune(caller, before), 'Run the command again. This is safe.')
  return permitted(pruned).events
}
