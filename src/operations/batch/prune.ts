import { keyOf } from '../../domain/data-source.ts'
import { type DsctlError, invalid } from '../../domain/errors.ts'
import type { NamedRecord } from '../../ports/records.ts'
import type { Stores } from '../stores.ts'
import { listLiveRecords } from './export.ts'

/** Which data sources a prune may delete. */
export interface PruneScope {
  /** Delete only in these envs; if empty, in every env. */
  readonly envs: readonly string[]
  /** The maximum number of deletions. */
  readonly max: number
}

/** Throws `invalid` if a batch has no requests, since a prune would then delete everything. */
export function checkPruneRequests(requests: readonly unknown[]): void {
  if (requests.length === 0) throw invalid('With no requests, --prune would delete everything.')
}

/** The data sources in scope that no request names. */
export async function findPruneTargets(
  stores: Stores,
  requests: readonly { readonly name: string; readonly env: string }[],
  { envs }: PruneScope,
): Promise<readonly NamedRecord[]> {
  const named = new Set(requests.map(keyOf))
  const found = await listLiveRecords(stores, { envs, types: [] })
  return found.filter(record => !named.has(keyOf(record)))
}

/** Returns an error if an apply would delete more data sources than allowed. */
export function pruneLimitError(targets: readonly NamedRecord[], { max }: PruneScope): DsctlError | undefined {
  if (targets.length <= max) return undefined
  return invalid(
    `${targets.length} data sources are in none of the files, and --prune-max is ${max}.`,
    [],
    'Nothing was written. Run dsctl diff --prune to see them. To delete them all, raise --prune-max.',
  )
}
