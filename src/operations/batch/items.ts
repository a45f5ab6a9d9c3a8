import type { NameAndEnv } from '../../domain/data-source.ts'
import type { Secret } from '../../domain/secret.ts'
import type { LookupAudit } from '../../ports/lookup.ts'
import { MAX_NAMES, type NamedRecord } from '../../ports/records.ts'
import { permitted } from '../authorize.ts'
import type { Stores } from '../stores.ts'
import { retry } from '../two-stores/retry.ts'

/** What one request of a batch says a data source is to be: complete and valid, but a mask means the stored secret. */
export interface BatchItem extends NameAndEnv {
  readonly type: string
  readonly fields: Readonly<Record<string, Secret>>
}

/** What identifies a data source within its organization. */
export function keyOf({ name, env }: NameAndEnv): string {
  return `${env}/${name}`
}

/** A record as a batch found it; `unsettled` where an operation on it is unfinished, which may yet be taken back. */
export interface Existing extends NamedRecord {
  readonly unsettled: boolean
  /** When it was found, for Records.unsettledSince. */
  readonly foundAt: string
}

/** The records that have these names, by `keyOf`. Throws where the caller may not, which the audit trail tells of `action`. */
export async function findExisting(
  stores: Stores,
  names: readonly NameAndEnv[],
  action?: LookupAudit['action'],
): Promise<ReadonlyMap<string, Existing>> {
  const look = action && { eventId: crypto.randomUUID(), action }
  const found = new Map<string, Existing>()
  for (let at = 0; at === 0 || at < names.length; at += MAX_NAMES) {
    const chunk = names.slice(at, at + MAX_NAMES)
    const asked = await retry(stores, () => stores.records.findNamed(stores.caller, chunk, look))
    if (asked.kind !== 'answered') throw asked.error
    const { records, unsettled, at: foundAt } = permitted(asked.answer)
    for (const record of records) {
      found.set(keyOf(record), { ...record, foundAt, unsettled: unsettled.includes(record.id) })
    }
  }
  return found
}

/** Those found unchanged by what may have been written by someone else's update that is, or may be, taken back. */
export async function findUnsettledSince(
  stores: Stores,
  unchanged: readonly BatchItem[],
  existing: ReadonlyMap<string, Existing>,
): Promise<ReadonlyMap<string, Existing>> {
  // What was unsettled already was left to an update, which has its own intent.
  const read = unchanged.flatMap(item => existing.get(keyOf(item)) ?? []).filter(record => !record.unsettled)
  const [first] = read
  if (!first || stores.interrupted()) return new Map()
  const ids = read.map(({ id }) => id)
  const asked = await retry(stores, () => stores.records.unsettledSince(ids, first.foundAt))
  if (asked.kind !== 'answered') throw asked.error
  const unsettled = new Set(asked.answer)
  return new Map(
    read.filter(({ id }) => unsettled.has(id)).map(record => [keyOf(record), { ...record, unsettled: true }]),
  )
}

/** Works on all items, at most `parallel` at a time; the answers come in the order of the items. */
export async function runInParallel<T, R>(
  items: readonly T[],
  parallel: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at] as T)
  }
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker))
  return results
}
