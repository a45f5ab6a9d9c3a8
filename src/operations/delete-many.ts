import type { DataSource } from '../domain/data-source.ts'
import { DsctlError } from '../domain/errors.ts'
import type { Ref } from '../ports/lookup.ts'
import { type ItemError, itemError } from './batch/item-error.ts'
import { PARALLEL_DELETES } from './batch/limits.ts'
import { runInParallel } from './batch/run-in-parallel.ts'
import { deleteDataSource } from './delete.ts'
import { getRecord } from './get-record.ts'
import { throwIfInterrupted } from './interruption.ts'
import type { Stores } from './stores.ts'

/** The result for one of several data sources to delete. */
export interface DeleteResult {
  readonly ref: string
  /** Only with `withEnv`, if the REF has an env. */
  readonly env?: string
  readonly action: 'deleted' | 'not found' | 'failed'
  readonly error: ItemError | null
}

interface DeleteManyOptions {
  /** Do not treat a missing data source as a failure. */
  readonly ignoreNotFound: boolean
  /** Include the env of each REF in its result. */
  readonly withEnv: boolean
  /** Called with the number of finished deletes. */
  readonly onProgress: (done: number) => void
}

/** Deletes each data source separately: a failure does not stop the others. After an interruption, begins no more. */
export async function deleteMany(
  stores: Stores,
  refs: readonly Ref[],
  options: DeleteManyOptions,
): Promise<readonly DeleteResult[]> {
  let done = 0
  return runInParallel(refs, PARALLEL_DELETES, async ref => {
    const named = { ref: ref.text, ...(options.withEnv && ref.env !== undefined && { env: ref.env }) }
    const result = { ...named, ...(await deleteOne(stores, ref, options)) }
    options.onProgress(++done)
    return result
  })
}

async function deleteOne(
  stores: Stores,
  ref: Ref,
  { ignoreNotFound }: DeleteManyOptions,
): Promise<Pick<DeleteResult, 'action' | 'error'>> {
  try {
    throwIfInterrupted(stores)
    await deleteDataSource(stores, ref)
    return { action: 'deleted', error: null }
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    if (isNotFound(error) && ignoreNotFound) return { action: 'not found', error: null }
    return { action: 'failed', error: itemError(error) }
  }
}

/** Whether an error says that the data source does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof DsctlError && error.code === 'not_found'
}

/**
 * Looks up data sources before they are deleted. With `ignoreNotFound`, a missing one is undefined; otherwise throws.
 */
export async function findToDelete(
  stores: Stores,
  refs: readonly Ref[],
  { ignoreNotFound }: { ignoreNotFound: boolean },
): Promise<readonly (DataSource | undefined)[]> {
  const found: (DataSource | undefined)[] = []
  for (const ref of refs) {
    try {
      found.push(await getRecord(stores, ref))
    } catch (error) {
      if (!ignoreNotFound || !isNotFound(error)) throw error
      found.push(undefined)
    }
  }
  return found
}
