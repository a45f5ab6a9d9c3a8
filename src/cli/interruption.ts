import { constants } from 'node:os'
import { DsctlError, INTERRUPTIONS, type InterruptionCode } from '../domain/errors.ts'

/** The signals that stop a command, and their error codes. The system sends SIGHUP when the terminal is closed. */
const CODES = { SIGINT: 'interrupted', SIGTERM: 'terminated', SIGHUP: 'hung_up' } as const

export type StopSignal = keyof typeof CODES

/** Stops the command on a signal: after the current step of an uninterruptible operation, otherwise at once. */
export interface Interruption {
  /** The signal received, if any. */
  requested(): InterruptionCode | undefined
  /** Whether the command is being stopped. Work that is still running must not print anything. */
  isEnding(): boolean
  /**
   * Declares that nothing is changed before `uninterruptible` is called. The message of an interruption then says so.
   */
  readOnlyUntilCommit(): void
  /** Runs an operation that a signal must not stop halfway. */
  uninterruptible<T>(operation: () => Promise<T>): Promise<T>
  /** Runs a part of an uninterruptible operation before anything is changed. A signal may stop this part at once. */
  interruptible<T>(work: () => Promise<T>): Promise<T>
  /** Rejects when the command must stop now. */
  readonly stopped: Promise<never>
}

/** The part of the process that this file uses. */
export interface Signals {
  on(signal: StopSignal, listener: () => void): unknown
  exit(code: number): never
}

/** How long the command may keep running after a signal, in milliseconds. */
const GRACE_MS = { operation: 5_000, rest: 1_000 }

/** Listens for the signals. A second signal ends the process at once. A later command settles what that leaves open. */
export function listenForInterruption(signals: Signals): Interruption {
  let code: InterruptionCode | undefined
  let running = 0
  let ending = false
  let unchanged = false
  let stop: (error: DsctlError) => void = () => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = reject
  })
  stopped.catch(() => {}) // avoids an unhandled rejection before anyone awaits it
  const receive = (signal: StopSignal) => {
    const exitCode = 128 + constants.signals[signal]
    if (code) signals.exit(exitCode)
    code = CODES[signal]
    setTimeout(() => signals.exit(exitCode), running ? GRACE_MS.operation : GRACE_MS.rest).unref()
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
