import { UnavailableError } from '../../domain/errors.ts'
import { MAX_BATCH } from '../../ports/record-steps.ts'
import type { Stores } from '../stores.ts'
import { coalesceStatements } from './coalesce.ts'
import { PIPELINES } from './limits.ts'

/**
 * Runs `work` on all items, in chunks of up to MAX_BATCH. The items of a chunk run at the same time: their requests to
 * Postgres are coalesced into few statements, and at most `parallel` requests to Vault run at once. Returns the results
 * in the order of the items.
 */
export async function runInChunks<T, R>(
  stores: Stores,
  items: readonly T[],
  { parallel, work }: { parallel: number; work: (stores: Stores, item: T) => Promise<R> },
): Promise<readonly R[]> {
  const results: R[] = []
  const limited = limitVault(stores, parallel)
  let chunkSize = parallel
  let next = 0
  const pipeline = async (firstSize: number) => {
    const { stores: coalesced, run } = coalesceStatements(limited)
    for (let size = firstSize; next < items.length; size = chunkSize) {
      const began = stores.clock.now()
      const start = next
      const chunk = items.slice(start, start + size)
      next += chunk.length
      const runOne = (item: T, at: number) =>
        run(async () => {
          results[start + at] = await work(coalesced, item)
        })
      await Promise.all(chunk.map(runOne))
      const itemsPerMs = chunk.length / (stores.clock.now() - began)
      chunkSize = nextChunkSize(itemsPerMs, { parallel, timeoutMs: stores.timeoutMs })
    }
  }
  // The speed of Vault is not known yet. A first chunk of this size is done in time even if each of its requests takes
  // a third of the time-out. The pipelines start with different sizes, so that one uses Vault while another uses
  // Postgres.
  await Promise.all(Array.from({ length: PIPELINES }, (_, nth) => pipeline(parallel * (nth + 1))))
  return results
}

/**
 * How many items to begin at once. At the speed of the last chunk, they take a quarter of the time-out, so that no
 * lease expires while its item waits.
 */
function nextChunkSize(itemsPerMs: number, { parallel, timeoutMs }: { parallel: number; timeoutMs: number }): number {
  const inTime = Math.floor((itemsPerMs * timeoutMs) / 4)
  return Math.min(MAX_BATCH, Math.max(inTime, Math.ceil(parallel / PIPELINES)))
}

/** Limits concurrent Vault calls. A call that waits longer than the time-out throws UnavailableError. */
function limitVault(stores: Stores, limit: number): Stores {
  const { secrets } = stores
  const limited = semaphore(stores, limit)
  return {
    ...stores,
    secrets: {
      ...secrets,
      read: at => limited(() => secrets.read(at)),
      readVersion: (at, version) => limited(() => secrets.readVersion(at, version)),
      write: (at, data, cas) => limited(() => secrets.write(at, data, cas)),
      softDelete: (at, version) => limited(() => secrets.softDelete(at, version)),
      remove: at => limited(() => secrets.remove(at)),
    },
  }
}

function semaphore({ clock, timeoutMs }: Stores, limit: number) {
  const waiting: (() => void)[] = []
  let free = limit
  let answeredAt = Number.NEGATIVE_INFINITY
  return async <T>(work: () => Promise<T>): Promise<T> => {
    const since = clock.now()
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      if (clock.now() - since >= timeoutMs) throw queuedTooLong(timeoutMs, { hangs: answeredAt < since })
      const answer = await work()
      answeredAt = clock.now()
      return answer
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}

function queuedTooLong(timeoutMs: number, { hangs }: { hangs: boolean }): UnavailableError {
  const why = hangs ? 'Vault answers no requests' : 'Vault was busy with other items of the batch'
  const message = `Timed out after ${timeoutMs / 1000} s: ${why}.`
  return new UnavailableError('no', message, {
    hint: 'Run the command again to continue, with a longer --timeout or a smaller --parallel.',
  })
}
