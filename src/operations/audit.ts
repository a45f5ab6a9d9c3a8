import type { AuditEvent, AuditFilter, AuditQuery, AuditTrail } from '../ports/audit-trail.ts'
import type { Caller } from '../ports/caller.ts'
import { permitted } from './authorize.ts'
import { sendUnlogged } from './send-unlogged.ts'

export interface AuditAccess {
  readonly caller: Caller
  readonly trail: AuditTrail
}

/** A page of the organization's events, the latest first; `more` says whether another page follows. */
export async function listEvents(
  { caller, trail }: AuditAccess,
  query: AuditQuery,
): Promise<{ items: readonly AuditEvent[]; more: boolean }> {
  return permitted(await trail.list(caller, query))
}

/** All of the organization's events, page after page, as they were at one moment; `take` says whether to go on. */
export async function listAllEvents(
  { caller, trail }: AuditAccess,
  filter: AuditFilter,
  take: (page: readonly AuditEvent[]) => Promise<boolean>,
): Promise<void> {
  const answer = await trail.listAll(caller, filter, take)
  // What only reads writes no event: a look at one page tells of the denial.
  if (answer.kind === 'denied') await trail.list(caller, { ...filter, page: 0, pageSize: 1 })
  permitted(answer)
}

/** Deletes the organization's events before a time; answers how many there were. */
export async function pruneEvents({ caller, trail }: AuditAccess, before: string): Promise<number> {
  const pruned = await sendUnlogged(() => trail.prune(caller, before), 'It can simply be run again.')
  return permitted(pruned).events
}
