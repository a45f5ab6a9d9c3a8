import { DsctlError, INTERRUPTIONS, type InterruptionCode } from '../domain/errors.ts'
import type { Caller } from '../ports/caller.ts'
import type { Records } from '../ports/records.ts'
import type { Secrets } from '../ports/secrets.ts'

/** Time and chance, so that a search over interleavings can run the operations without either. */
export interface Clock {
  /** In milliseconds, from any origin. */
  now(): number
  sleep(ms: number): Promise<void>
  /** From 0 to 1. */
  random(): number
}

/** All that an operation on both stores needs. */
export interface Stores {
  readonly caller: Caller
  readonly records: Records
  readonly secrets: Secrets
  readonly clock: Clock
  /** How long one call may take, and how long to wait for others or try again. */
  readonly timeoutMs: number
  /** Names this process where it settles another's intent. */
  readonly process: string
  /** Undefined until someone interrupts; then the code of how. An operation asks between its steps. */
  interrupted(): InterruptionCode | undefined
}

/** How long an intent's owner is left undisturbed, in seconds: three times the time-out. */
export function leaseSeconds({ timeoutMs }: Stores): number {
  return (3 * timeoutMs) / 1000
}

/** A moment to wait before trying again: longer each time, never the same for two processes. */
export function backOff({ clock }: Stores, attempt: number): Promise<void> {
  return clock.sleep(Math.min(1000, 25 * 2 ** attempt) * (0.5 + clock.random()))
}

/** The error of an operation that was interrupted; unless said, it has left nothing changed. */
export function interruptionError(code: InterruptionCode, what = 'nothing was changed.'): DsctlError {
  return new DsctlError(code, `${INTERRUPTIONS[code]}: ${what}`)
}
