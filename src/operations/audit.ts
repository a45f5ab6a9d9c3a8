import { invalid } from '../domain/errors.ts'
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

const UNITS = { m: 60, h: 3_600, d: 86_400, w: 604_800 } as const

/**
 * A time as it is typed, as ISO 8601: a date or a time of that form (UTC unless it says otherwise), or how long ago,
 * for instance `30m`, `12h`, `7d`, `2w`. Throws `invalid`, naming `field`.
 */
export function parseTime(field: string, text: string, now: number): string {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? []
  if (count && unit) return new Date(now - Number(count) * UNITS[unit as keyof typeof UNITS] * 1000).toISOString()
  const [, date, time = 'T00:00', zone = 'Z'] = TIME_FORMAT.exec(text) ?? []
  const ms = date === undefined ? Number.NaN : Date.parse(`${date}${time.replace(' ', 'T')}${zone}`)
  // Date.parse lets the 31st of a shorter month pass, as a day of the next.
  const isDay = () => date !== undefined && new Date(`${date}T00:00Z`).toISOString().startsWith(date)
  if (!Number.isNaN(ms) && isDay()) return new Date(ms).toISOString()
  const message = 'must be a time such as 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 30m, 12h, 7d, 2w'
  throw invalid('There is no such time.', [{ field, message }])
}

const TIME_FORMAT = /^(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?(Z|[+-]\d\d:\d\d)?$/
