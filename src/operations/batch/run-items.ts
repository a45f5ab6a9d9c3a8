import type { NameAndEnv } from '../../domain/data-source.ts'
import { DsctlError } from '../../domain/errors.ts'
import { throwIfInterrupted } from '../interruption.ts'
import type { Stores } from '../stores.ts'
import { type ItemError, itemError } from './item-error.ts'
import { runInChunks } from './run-chunks.ts'
import { runInParallel } from './run-in-parallel.ts'

/** The result for one data source of a batch. */
export interface AppliedItem extends NameAndEnv {
  readonly action: 'created' | 'updated' | 'unchanged' | 'deleted' | 'failed'
  readonly id: string | null
  readonly error: ItemError | null
}

export type ItemResult = Pick<AppliedItem, 'action' | 'id'>

interface RunOptions<T> {
  readonly parallel: number
  /** If not undefined, each item may wait for a connection test. */
  readonly testing: unknown
  /** Called with the number of finished items. */
  readonly onProgress: (done: number) => void
  readonly work: (stores: Stores, item: T) => Promise<ItemResult>
}

/** Whether an item was not applied, because of an error or an interruption. */
export function isFailed({ action }: AppliedItem): boolean {
  return action === 'failed'
}

/**
 * Runs `work` on all items, and returns the results in the order of the items. Begins no more items after an
 * interruption, or after `parallel` items in a row found the stores unavailable.
 */
export async function runItems<T extends NameAndEnv & { readonly id?: string }>(
  stores: Stores,
  items: readonly T[],
  { parallel, testing, onProgress, work }: RunOptions<T>,
): Promise<readonly AppliedItem[]> {
  let done = 0
  let unavailableInARow = 0
  let firstUnavailable: DsctlError | undefined
  const runOne = async (stores: Stores, item: T): Promise<AppliedItem> => {
    const { name, env } = item
    try {
      throwIfInterrupted(stores)
      if (firstUnavailable && unavailableInARow >= parallel) throw notStarted(firstUnavailable)
      const result = await work(stores, item)
      unavailableInARow = 0
      return { name, env, ...result, error: null }
    } catch (error) {
      if (!(error instanceof DsctlError)) throw error
      if (error.code === 'unavailable') {
        unavailableInARow++
        firstUnavailable ??= error
      }
      return { name, env, action: 'failed', id: item.id ?? error.details.id ?? null, error: itemError(error) }
    } finally {
      onProgress(++done)
    }
  }
  // No chunks: they would run more connection tests at a time than --parallel allows.
  if (testing) return runInParallel(items, parallel, item => runOne(stores, item))
  return runInChunks(stores, items, { parallel, work: runOne })
}

// If each of a thousand items waited for the time-out, that would take hours.
function notStarted(cause: DsctlError): DsctlError {
  const message = `Not started, because the stores are unavailable: ${cause.message}`
  return new DsctlError('unavailable', message, { outcome: 'none' })
}
