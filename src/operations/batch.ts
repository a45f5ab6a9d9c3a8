import type { DataSource, NameInEnv } from '../data-source.ts'
import { type Attempt, MOST_NAMES } from '../ports/records.ts'
import type { Secret } from '../secret.ts'
import { attempt } from './attempts.ts'
import { permitted } from './authorize.ts'
import type { Stores } from './stores.ts'

/** What one request of a batch says a data source is to be: complete and valid, but a mask means the stored secret. */
export interface BatchItem extends NameInEnv {
  readonly type: string
  readonly fields: Readonly<Record<string, Secret>>
}

/** What identifies a data source within its organization. */
export function keyOf({ name, env }: NameInEnv): string {
  return `${env}/${name}`
}

/** A record as a batch found it; `unsettled` where an operation on it is unfinished, which may yet be taken back. */
export interface Existing extends DataSource {
  readonly unsettled: boolean
}

/** The records that have these names, by `keyOf`. Throws where the caller may not, which the audit trail tells of `action`. */
export async function findAll(
  stores: Stores,
  names: readonly NameInEnv[],
  action?: Attempt['action'],
): Promise<ReadonlyMap<string, Existing>> {
  const look = action && { eventId: crypto.randomUUID(), action }
  const found = new Map<string, Existing>()
  for (let at = 0; at === 0 || at < names.length; at += MOST_NAMES) {
    const chunk = names.slice(at, at + MOST_NAMES)
    const asked = await attempt(stores, () => stores.records.findNamed(stores.caller, chunk, look))
    if (asked.kind !== 'answered') throw asked.error
    const { records, unsettled } = permitted(asked.answer)
    for (const record of records) found.set(keyOf(record), { ...record, unsettled: unsettled.includes(record.id) })
  }
  return found
}

/** Works on all items, at most `parallel` at a time; the answers come in the order of the items. */
export async function inParallel<T, R>(
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
