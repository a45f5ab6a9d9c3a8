import { interner } from './memo.ts'
import type { Heard } from './programs.ts'
import { decode, encode } from './world.ts'

const FAILURES = [
  { kind: 'interrupt' },
  { kind: 'lost' },
  { kind: 'lost', late: true },
  { kind: 'away' },
  { kind: 'away', late: true },
  { kind: 'forbidden' },
] as const satisfies readonly Heard[]

/** What a process may hear instead of an answer, by number. */
export const HEARS = { interrupt: 0, lost: 1, lostAndLate: 2, away: 3, awayAndLate: 4, forbidden: 5 } as const

/** Numbers for what processes hear. */
export interface Hearing {
  /** Of an answer. Where it is another's intent, the sender waits: it hears of it only when its time is up. */
  answer(value: unknown): number
  heard(id: number): Heard
  text(id: number): string
}

export function hearing(): Hearing {
  const answers = interner()
  const known: Heard[] = [...FAILURES]
  const heard = (id: number): Heard => {
    const one = known[id]
    if (!one) throw new Error(`Nobody hears ${id}.`)
    return one
  }
  return {
    heard,
    answer(value) {
      // What is not JSON stands as no text at all.
      const text = value === undefined ? '' : encode(value)
      const id = answers.id(text) + FAILURES.length
      known[id] ??= { kind: 'answer', value: text === '' ? undefined : decode(text), late: waits(value) }
      return id
    },
    text(id) {
      const told = heard(id)
      const what = told.kind === 'answer' ? answers.text(id - FAILURES.length) : told.kind
      return 'late' in told && told.late ? `${what}, and the time is up` : what
    },
  }
}

function waits(answer: unknown): boolean {
  const { kind, intent } = (answer ?? {}) as { kind?: unknown; intent?: { expired: boolean } }
  return kind === 'busy' && !intent?.expired
}
