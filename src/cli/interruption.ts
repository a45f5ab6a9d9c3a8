import { constants } from 'node:os'
import { DsctlError, INTERRUPTIONS, type InterruptionCode } from '../domain/errors.ts'

/** The signals that are listened for. SIGHUP comes when the terminal is closed. */
const CODES = { SIGINT: 'interrupted', SIGTERM: 'terminated', SIGHUP: 'hung_up' } as const

export type StopSignal = keyof typeof CODES

/** SIGINT, SIGTERM and SIGHUP. An operation on both stores comes to a step's end first; anything else ends at once. */
export interface Interruption {
  requested(): InterruptionCode | undefined
  /** Whether the program is ending on that account: what is still under way has nothing more to say. */
  isEnding(): boolean
  /** Until an unbroken operation begins, nothing is changed: then an interruption may say so. */
  readOnlyUntilCommit(): void
  uninterruptible<T>(operation: () => Promise<T>): Promise<T>
  /** Within an unbroken operation: work that has changed nothing yet, and may be cut off at once. */
  interruptible<T>(work: () => Promise<T>): Promise<T>
  /** Rejects when the program is to end now. */
  readonly stopped: Promise<never>
}

/** The part of a process that this needs. */
export interface Signals {
  on(signal: StopSignal, listener: () => void): unknown
  exit(code: number): never
}

/** How long an operation may take to finish or undo the step in hand, and all else to end, in milliseconds. */
const GRACE = { operation: 5_000, rest: 1_000 }

/** Listens for these signals. A second one leaves at once, and what is open then is settled by whoever meets it. */
export function listenForInterruption(signals: Signals): Interruption {
  let code: InterruptionCode | undefined
  let running = 0
  let ending = false
  let unchanged = false
  let stop: (error: DsctlError) => void = () => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = reject
  })
  stopped.catch(() => {}) // nobody may be listening yet
  const receive = (signal: StopSignal) => {
    const exitCode = 128 + constants.signals[signal]
    if (code) signals.exit(exitCode)
    code = CODES[signal]
    setTimeout(() => signals.exit(exitCode), running ? GRACE.operation : GRACE.rest).unref()
    if (running > 0) return
    ending = true
    stop(interrupted(code, unchanged))
  }
  for (const signal of Object.keys(CODES) as StopSignal[]) signals.on(signal, () => receive(signal))
  return {
    requested: () => code,
    isEnding: () => ending,
    stopped,
    readOnlyUntilCommit: () => {
      unchanged = true
    },
    async uninterruptible(operation) {
      if (code) throw interrupted(code, unchanged)
      unchanged = false
      running++
      try {
        return await operation()
      } finally {
        running--
      }
    },
    async interruptible(work) {
      running--
      try {
        return await work()
      } finally {
        running++
      }
    },
  }
}

function interrupted(code: InterruptionCode, unchanged: boolean): DsctlError {
  const word = INTERRUPTIONS[code]
  return new DsctlError(code, unchanged ? `${word}: nothing was changed.` : `${word}.`)
}
