import type { DataSource } from '../domain/data-source.ts'
import { DsctlError } from '../domain/errors.ts'
import type { Ref } from '../ports/lookup.ts'
import { type ItemError, itemError } from './batch/item-error.ts'
import { runInParallel } from './batch/run-in-parallel.ts'
import { deleteDataSource } from './delete.ts'
import { getRecord } from './get-record.ts'
import { interruptionError } from './interruption.ts'
import type { Stores } from './stores.ts'

/** What has become of one of several that were to be deleted. */
export interface DeleteResult {
  readonly ref: string
  /** Where it was named with one. */
  readonly env?: string
  readonly action: 'deleted' | 'not found' | 'failed'
  readonly error: ItemError | null
}

interface DeleteManyOptions {
  /** What is not there is as good as deleted. */
  readonly ignoreNotFound: boolean
  /** The env is told of each: it was named with it. */
  readonly withEnv: boolean
  readonly told: (done: number) => void
}

const AT_ONCE = 8

/** Deletes each by itself: one that fails does not keep the others from going. Once interrupted it begins none any more. */
export async function deleteMany(
  stores: Stores,
  refs: readonly Ref[],
  how: DeleteManyOptions,
): Promise<readonly DeleteResult[]> {
  let done = 0
  return runInParallel(refs, AT_ONCE, async ref => {
    const named = { ref: ref.text, ...(how.withEnv && ref.env !== undefined && { env: ref.env }) }
    const deletion = { ...named, ...(await deleteOne(stores, ref, how)) }
    how.told(++done)
    return deletion
  })
}

/** The data sources that these REFs name, before they are deleted. Undefined for one that does not exist, if allowed. */
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

/** Whether an error says that there is no such data source. */
export function isNotFound(error: unknown): boolean {
  return error instanceof DsctlError && error.code === 'not_found'
}

async function deleteOne(
  stores: Stores,
  ref: Ref,
  how: DeleteManyOptions,
): Promise<Pick<DeleteResult, 'action' | 'error'>> {
  try {
    const stopped = stores.interrupted()
    if (stopped) throw interruptionError(stopped)
    await deleteDataSource(stores, ref)
    return { action: 'deleted', error: null }
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    if (isNotFound(error) && how.ignoreNotFound) return { action: 'not found', error: null }
    return { action: 'failed', error: itemError(error) }
  }
}
