import type { ListedDataSource } from '../domain/data-source.ts'
import type { Caller } from '../ports/caller.ts'
import type { LookupAudit } from '../ports/lookup.ts'
import type { ListFilter, ListQuery, LocatedDataSource, Records } from '../ports/records.ts'
import { permitted } from './authorize.ts'

/**
 * A page of the organization's data sources, the last changed first; `more` says whether another page follows. Where it
 * is denied, the audit trail tells that of `action`, if it is for one.
 */
export async function list(
  { caller, records }: { caller: Caller; records: Records },
  query: ListQuery,
  action?: LookupAudit['action'],
): Promise<{ items: readonly ListedDataSource[]; more: boolean }> {
  return permitted(await records.list(caller, query, action && { eventId: crypto.randomUUID(), action }))
}

/** All of the organization's data sources, page after page, as they were at one moment; `take` says whether to go on. */
export async function listAll(
  stores: { caller: Caller; records: Records },
  { action, ...filter }: ListFilter & { action?: LookupAudit['action'] },
  take: (page: readonly LocatedDataSource[]) => Promise<boolean>,
): Promise<void> {
  const answer = await stores.records.listAll(stores.caller, filter, take)
  // What only reads writes no event: a look at one page tells of the denial.
  if (answer.kind === 'denied' && action) await list(stores, { ...filter, page: 0, pageSize: 1 }, action)
  permitted(answer)
}
