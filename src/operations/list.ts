import type { ListedDataSource } from '../domain/data-source.ts'
import type { Caller } from '../ports/caller.ts'
import type { LookupAudit } from '../ports/lookup.ts'
import type { ListFilter, ListQuery, LocatedDataSource, Records } from '../ports/records.ts'
import { permitted } from './authorize.ts'

/**
 * Returns a page of the organization's data sources, last changed first. `more`: another page follows. If the caller is
 * denied and `action` is given, the denial is audited under that action.
 */
export async function list(
  { caller, records }: { caller: Caller; records: Records },
  query: ListQuery,
  action?: LookupAudit['action'],
): Promise<{ items: readonly ListedDataSource[]; more: boolean }> {
  return permitted(await records.list(caller, query, action && { eventId: crypto.randomUUID(), action }))
}

/**
 * Passes all of the organization's data sources to `take`, page by page, from one snapshot. `take` returns whether to
 * continue. If the caller is denied and `action` is given, the denial is audited under that action.
 */
export async function listAll(
  stores: { caller: Caller; records: Records },
  { action, ...filter }: ListFilter & { action?: LookupAudit['action'] },
  take: (page: readonly LocatedDataSource[]) => Promise<boolean>,
): Promise<void> {
  const answer = await stores.records.listAll(stores.caller, filter, take)
  // The statements of listAll are read-only, so they cannot audit the denial. Listing one page does.
  if (answer.kind === 'denied' && action) await list(stores, { ...filter, page: 0, pageSize: 1 }, action)
  permitted(answer)
}
