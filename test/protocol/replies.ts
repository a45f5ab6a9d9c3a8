import { interner } from './memo.ts'
import type { Reply } from './programs.ts'
import { decode, encode } from './world.ts'

const FAILURES = [
  { kind: 'interrupt' },
  { kind: 'lost' },
  { kind: 'lost', timedOut: true },
  { kind: 'unavailable' },
  { kind: 'unavailable', timedOut: true },
  { kind: 'forbidden' },
] as const satisfies readonly Reply[]

/** The numbers of the replies that are no answers. */
export const FAILURE = {
  interrupt: 0,
  lost: 1,
  lostAndTimedOut: 2,
  unavailable: 3,
  unavailableAndTimedOut: 4,
  forbidden: 5,
} as const

/** Numbers for replies. */
export interface Replies {
  /**
   * The number of an answer. If the answer is another operation's unexpired intent, the sender would wait and ask again:
   * here it gets the answer only when its time-out is over.
   */
  answer(value: unknown): number
  reply(id: number): Reply
  text(id: number): string
}

export function replies(): Replies {
  const answers = interner()
  const known: Reply[] = [...FAILURES]
  const reply = (id: number): Reply => {
    const found = known[id]
    if (!found) throw new Error(`There is no reply ${id}.`)
    return found
  }
  return {
    reply,
    answer(value) {
      // Undefined is not JSON: the empty text stands for it.
      const text = value === undefined ? '' : encode(value)
      const id = answers.id(text) + FAILURES.length
      known[id] ??= { kind: 'answer', value: text === '' ? undefined : decode(text), timedOut: isBusy(value) }
      return id
    },
    text(id) {
      const found = reply(id)
      const what = found.kind === 'answer' ? answers.text(id - FAILURES.length) : found.kind
      return 'timedOut' in found && found.timedOut ? `${what}, and the time-out is over` : what
    },
  }
}

function isBusy(answer: unknown): boolean {
  const { kind, intent } = (answer ?? {}) as { kind?: unknown; intent?: { expired: boolean } }
  return kind === 'busy' && !intent?.expired
}
