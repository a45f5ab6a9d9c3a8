import { UnavailableError } from '../../domain/errors.ts'
import { MAX_BATCH } from '../../ports/record-steps.ts'
import type { Stores } from '../stores.ts'
import { coalesceStatements } from './coalesce.ts'

/** Two at a time, so that the one asks Vault while the other asks Postgres. */
const PIPELINES = 2

/**
 * Works on all items, some hundred at a time: what they ask of Postgres goes in few statements, what they ask of Vault
 * at most `parallel` at a time. The answers come in the order of the items.
 */
export async function runInChunks<T, R>(
  stores: Stores,
  items: readonly T[],
  { parallel, work }: { parallel: number; work: (stores: Stores, item: T) => Promise<R> },
): Promise<readonly R[]> {
  const results: R[] = []
  const taking = limitVault(stores, parallel)
  let size = parallel
  let next = 0
  const lane = async (most: number) => {
    const { stores: gathered, member } = coalesceStatements(taking)
    for (let take = most; next < items.length; take = size) {
      const began = stores.clock.now()
      const first = next
      const chunk = items.slice(first, first + take)
      next += chunk.length
      const one = (item: T, at: number) =>
        member(async () => {
          results[first + at] = await work(gathered, item)
        })
      await Promise.all(chunk.map(one))
      size = nextChunkSize(chunk.length / (stores.clock.now() - began), { parallel, timeoutMs: stores.timeoutMs })
    }
  }
  // How quick Vault is is not known yet: so few are done in time also where it takes a third of the time-out for each. And
  // the lanes begin with different numbers, or all would ask Vault at the same time, and then Postgres.
  await Promise.all(Array.from({ length: PIPELINES }, (_, nth) => lane(parallel * (nth + 1))))
  return results
}

/**
 * How many may be begun at once, by how many were done in a millisecond: the lease of the last must not be over when its
 * turn comes, so all of them are to be done in a small part of it.
 */
function nextChunkSize(perMs: number, { parallel, timeoutMs }: { parallel: number; timeoutMs: number }): number {
  const most = Math.floor((perMs * timeoutMs) / 4)
  return Math.min(MAX_BATCH, Math.max(most, Math.ceil(parallel / PIPELINES)))
}

/** The same stores, with Vault asked for at most so much at a time. Whose turn does not come within the time-out is told. */
function limitVault(stores: Stores, parallel: number): Stores {
  const { secrets } = stores
  const turn = semaphore(stores, parallel)
  return {
    ...stores,
    secrets: {
      ...secrets,
      read: at => turn(() => secrets.read(at)),
      readVersion: (at, version) => turn(() => secrets.readVersion(at, version)),
      write: (at, data, cas) => turn(() => secrets.write(at, data, cas)),
      softDelete: (at, version) => turn(() => secrets.softDelete(at, version)),
      remove: at => turn(() => secrets.remove(at)),
    },
  }
}

function semaphore({ clock, timeoutMs }: Stores, most: number) {
  const waiting: (() => void)[] = []
  let free = most
  return async <T>(work: () => Promise<T>): Promise<T> => {
    const since = clock.now()
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      if (clock.now() - since >= timeoutMs) throw queuedTooLong(timeoutMs)
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}

function queuedTooLong(timeoutMs: number): UnavailableError {
  return new UnavailableError('no', `Vault was busy with the others of the batch for ${timeoutMs / 1000} seconds.`, {
    hint: 'Run it again to go on, with a longer --timeout or a smaller --parallel.',
  })
}
