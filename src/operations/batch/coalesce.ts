import {
  type BatchResult,
  MAX_BATCH,
  type NewCreate,
  type NewDelete,
  type NewUpdate,
} from '../../ports/record-steps.ts'
import type { Records } from '../../ports/records.ts'
import type { Stores } from '../stores.ts'

/** Operations that run side by side: what they ask of the records at the same time is asked in one statement. */
export interface CoalescedStores {
  /** What its members are to work with. */
  readonly stores: Stores
  /** Runs an operation as one of them. */
  member<T>(work: () => Promise<T>): Promise<T>
}

/** How long a step waits for others, in milliseconds, where some member is busy with something else. */
const MAX_WAIT_MS = 250

/**
 * Each member runs as if it were alone: its steps are those of Records for one, sent together with those that wait at
 * the same moment. They are sent as soon as every member waits.
 */
export function coalesceStatements(stores: Stores): CoalescedStores {
  const lines: Queue[] = []
  let members = 0
  let timer: NodeJS.Timeout | undefined
  let looking = false

  const sendAll = () => {
    clearTimeout(timer)
    timer = undefined
    for (const line of lines) line.send()
  }
  const look = () => {
    looking = false
    const waiting = lines.reduce((sum, line) => sum + line.length(), 0)
    if (waiting >= members) sendAll()
    else if (waiting > 0) timer ??= setTimeout(sendAll, MAX_WAIT_MS)
  }
  // Once all that can go on by itself has done so.
  const changed = () => {
    if (!looking) setImmediate(look)
    looking = true
  }
  const line = <I, A>(send: (items: readonly I[]) => Promise<BatchResult<A>>): ((item: I) => Promise<A>) => {
    const { join, ...queue } = queueFor(send)
    lines.push(queue)
    return item => {
      changed()
      return join(item)
    }
  }
  return {
    stores: { ...stores, records: coalescedRecords(stores, line) },
    async member(work) {
      members++
      try {
        return await work()
      } finally {
        members--
        changed()
      }
    },
  }
}

type MakeQueue = <I, A>(send: (items: readonly I[]) => Promise<BatchResult<A>>) => (item: I) => Promise<A>

function coalescedRecords({ records, caller }: Stores, line: MakeQueue): Records {
  const beginCreate = line((creates: readonly NewCreate[]) => records.beginCreates(caller, creates))
  const beginUpdate = line((updates: readonly NewUpdate[]) => records.beginUpdates(caller, updates))
  const beginDelete = line((removes: readonly NewDelete[]) => records.beginDeletes(caller, removes))
  const commitCreate = line(records.commitCreates)
  const recordBaseVersion = line(records.recordBaseVersions)
  const commitUpdate = line(records.commitUpdates)
  return {
    ...records,
    beginCreate: (_, create) => beginCreate(create),
    commitCreate: (intentId, type) => commitCreate({ intentId, type }),
    beginUpdate: (_, update) => beginUpdate(update),
    recordBaseVersion: (intentId, version) => recordBaseVersion({ intentId, version }),
    commitUpdate: (intentId, fields) => commitUpdate({ intentId, fields }),
    beginDelete: (_, remove) => beginDelete(remove),
    close: line(records.closeAll),
  }
}

interface Queue {
  length(): number
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

/** What one of them was refused for is found by asking for half as many, and again: the others are done. */
async function sendTogether<I, A>(
  together: readonly Waiting<I, A>[],
  send: (items: readonly I[]) => Promise<BatchResult<A>>,
): Promise<void> {
  try {
    const answers = await send(together.map(({ item }) => item))
    if (answers !== 'rolled back') return together.forEach(({ resolve }, nth) => void resolve(answers[nth] as A))
    if (together.length < 2) throw new Error('One alone was refused with the others.')
  } catch (error) {
    for (const { reject } of together) reject(error)
    return
  }
  const middle = Math.ceil(together.length / 2)
  await sendTogether(together.slice(0, middle), send)
  await sendTogether(together.slice(middle), send)
}
