import type { InterruptionCode } from '../domain/errors.ts'
import type { Caller } from '../ports/caller.ts'
import type { Records } from '../ports/records.ts'
import type { Secrets } from '../ports/secrets.ts'

/** Time and randomness. The search in test/protocol replaces both. */
export interface Clock {
  /** Milliseconds since an arbitrary time. */
  now(): number
  sleep(ms: number): Promise<void>
  /** From 0 to 1. */
  random(): number
}

/** What an operation on both stores needs. */
export interface Stores {
  readonly caller: Caller
  readonly records: Records
  readonly secrets: Secrets
  readonly clock: Clock
  /** How long one call may take, and how long to retry or to wait for other processes. */
  readonly timeoutMs: number
  /** The name of this process, recorded in the audit trail when it settles another process's intent. */
  readonly process: string
  /** The kind of interruption if the user has interrupted the command. Operations check this between their steps. */
  interrupted(): InterruptionCode | undefined
}
