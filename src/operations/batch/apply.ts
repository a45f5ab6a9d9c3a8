import { keyOf, type NameAndEnv } from '../../domain/data-source.ts'
import { DsctlError } from '../../domain/errors.ts'
import { deleteDataSource } from '../delete.ts'
import type { Stores } from '../stores.ts'
import { type ApplyOptions, applyItem } from './apply-item.ts'
import { type Existing, findUnsettledSince } from './existing.ts'
import type { BatchItem } from './item.ts'
import { itemError } from './item-error.ts'
import { type AppliedItem, isFailed, runItems } from './run-items.ts'

/** The outcome of a batch. */
export interface ApplyResult {
  readonly applied: readonly AppliedItem[]
  /** True if no prune target was deleted because an item failed or the user interrupted the command. */
  readonly pruneSkipped: boolean
}

export type PruneTarget = NameAndEnv & { readonly id: string }

/**
 * Applies the items of a batch, then deletes `pruneTargets` unless an item failed or the user interrupted the command.
 */
export async function applyBatch(
  stores: Stores,
  { items, pruneTargets }: { items: readonly BatchItem[]; pruneTargets: readonly PruneTarget[] },
  options: ApplyOptions,
): Promise<ApplyResult> {
  const applied = await applyAll(stores, items, options)
  if (pruneTargets.length === 0) return { applied, pruneSkipped: false }
  if (applied.some(isFailed) || stores.interrupted()) return { applied, pruneSkipped: true }
  const pruned = await runItems(stores, pruneTargets, {
    parallel: options.parallel,
    testing: undefined,
    onProgress: done => options.onProgress(items.length + done),
    work: async (stores, { id }) => {
      await deleteDataSource(stores, { text: id, env: undefined })
      return { action: 'deleted', id }
    },
  })
  return { applied: [...applied, ...pruned], pruneSkipped: false }
}

/**
 * Applies each item separately: a failure does not stop the others. If the stores stay unavailable, or the user
 * interrupts the command, the remaining items are not begun.
 */
async function applyAll(
  stores: Stores,
  items: readonly BatchItem[],
  options: ApplyOptions,
): Promise<readonly AppliedItem[]> {
  const applied = await applyOnce(stores, items, options)
  const unchanged = items.filter((_, at) => applied[at]?.action === 'unchanged')
  let unsettled: ReadonlyMap<string, Existing>
  try {
    unsettled = await findUnsettledSince(stores, unchanged, options.existing)
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    const failure = { action: 'failed', error: itemError(error) } as const
    return applied.map(item => (item.action === 'unchanged' ? { ...item, ...failure } : item))
  }
  if (unsettled.size === 0) return applied
  const again = unchanged.filter(item => unsettled.has(keyOf(item)))
  const appliedAgain = await applyOnce(stores, again, { ...options, existing: unsettled, onProgress: () => {} })
  return applied.map((item, at) => appliedAgain[again.indexOf(items[at] as BatchItem)] ?? item)
}

function applyOnce(
  stores: Stores,
  items: readonly BatchItem[],
  options: ApplyOptions,
): Promise<readonly AppliedItem[]> {
  return runItems(stores, items, { ...options, work: (stores, item) => applyItem(stores, item, options) })
}
