import {
  type BatchResult,
  MAX_BATCH,
  type NewCreate,
  type NewDelete,
  type NewUpdate,
} from '../../ports/record-steps.ts'
import type { Records } from '../../ports/records.ts'
import type { Stores } from '../stores.ts'
import { MAX_WAIT_MS } from './limits.ts'

/** A group of concurrent operations whose statements are coalesced. */
export interface CoalescedStores {
  /** The stores for the operations of the group. */
  readonly stores: Stores
  /** Runs an operation as one of the group. */
  run<T>(operation: () => Promise<T>): Promise<T>
}

/**
 * Combines the statements of concurrent operations. Each operation calls the methods of Records for one item. A call
 * waits in a queue, and all queued calls of a kind go out as one statement: as soon as every operation of the group
 * waits, and after MAX_WAIT_MS at the latest.
 */
export function coalesceStatements(stores: Stores): CoalescedStores {
  const queues: Queue[] = []
  let running = 0
  let timer: NodeJS.Timeout | undefined
  let scheduled = false

  const sendAll = () => {
    clearTimeout(timer)
    timer = undefined
    for (const queue of queues) queue.send()
  }
  const sendIfReady = () => {
    scheduled = false
    const waiting = queues.reduce((sum, queue) => sum + queue.length(), 0)
    if (waiting >= running) sendAll()
    else if (waiting > 0) timer ??= setTimeout(sendAll, MAX_WAIT_MS)
  }
  // Deferred until all operations that can continue have done so.
  const schedule = () => {
    if (!scheduled) setImmediate(sendIfReady)
    scheduled = true
  }
  const makeQueue = <I, A>(send: (items: readonly I[]) => Promise<BatchResult<A>>): ((item: I) => Promise<A>) => {
    const { join, ...queue } = queueFor(send)
    queues.push(queue)
    return item => {
      schedule()
      return join(item)
    }
  }
  return {
    stores: { ...stores, records: coalescedRecords(stores, makeQueue) },
    async run(operation) {
      running++
      try {
        return await operation()
      } finally {
        running--
        schedule()
      }
    },
  }
}

type MakeQueue = <I, A>(send: (items: readonly I[]) => Promise<BatchResult<A>>) => (item: I) => Promise<A>

function coalescedRecords({ records, caller }: Stores, makeQueue: MakeQueue): Records {
  const beginCreate = makeQueue((creates: readonly NewCreate[]) => records.beginCreates(caller, creates))
  const beginUpdate = makeQueue((updates: readonly NewUpdate[]) => records.beginUpdates(caller, updates))
  const beginDelete = makeQueue((removes: readonly NewDelete[]) => records.beginDeletes(caller, removes))
  const commitCreate = makeQueue(records.commitCreates)
  const recordBaseVersion = makeQueue(records.recordBaseVersions)
  const commitUpdate = makeQueue(records.commitUpdates)
  return {
    ...records,
    beginCreate: (_, create) => beginCreate(create),
    commitCreate: (intentId, type) => commitCreate({ intentId, type }),
    beginUpdate: (_, update) => beginUpdate(update),
    recordBaseVersion: (intentId, version) => recordBaseVersion({ intentId, version }),
    commitUpdate: (intentId, fields) => commitUpdate({ intentId, fields }),
    beginDelete: (_, remove) => beginDelete(remove),
    close: makeQueue(records.closeAll),
  }
}

interface Queue {
  length(): number
  /** Sends all waiting items, at most MAX_BATCH in one statement. */
  send(): void
}

interface Waiting<I, A> {
  readonly item: I
  readonly resolve: (answer: A) => void
  readonly reject: (error: unknown) => void
}

function queueFor<I, A>(send: (items: readonly I[]) => Promise<BatchResult<A>>): Queue & { join(item: I): Promise<A> } {
  let waiting: Waiting<I, A>[] = []
  return {
    join: item => new Promise((resolve, reject) => waiting.push({ item, resolve, reject })),
    length: () => waiting.length,
    send() {
      const all = waiting
      waiting = []
      for (let at = 0; at < all.length; at += MAX_BATCH) void sendTogether(all.slice(at, at + MAX_BATCH), send)
    },
  }
}

/** If one item makes the database roll back the statement, sends each half separately, so that only that item fails. */
async function sendTogether<I, A>(
  together: readonly Waiting<I, A>[],
  send: (items: readonly I[]) => Promise<BatchResult<A>>,
): Promise<void> {
  try {
    const answers = await send(together.map(({ item }) => item))
    if (answers !== 'rolled back') return together.forEach(({ resolve }, nth) => void resolve(answers[nth] as A))
    if (together.length < 2) throw new Error('A statement for one item was rolled back without an error.')
  } catch (error) {
    for (const { reject } of together) reject(error)
    return
  }
  const middle = Math.ceil(together.length / 2)
  await sendTogether(together.slice(0, middle), send)
  await sendTogether(together.slice(middle), send)
}
