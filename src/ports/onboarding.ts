import type { DataSource, OnboardingStatus } from '../domain/data-source.ts'
import type { Caller, Denied } from './caller.ts'
import type { LookupFailure, Ref } from './lookup.ts'

export interface OnboardingMove {
  /** Of its audit event, made by the client: it makes a second try harmless. */
  readonly eventId: string
  readonly ref: Ref
  readonly status: OnboardingStatus
  /** Kept with the status; undefined clears what an earlier move has left. Never a secret. */
  readonly error: string | undefined
}

export interface Onboarding {
  /**
   * Moves a data source's status in one audited statement, where ONBOARDING_FROM allows it from the status that is
   * then there: of two at once that can't both be, one is refused. As with Records, it may be sent again as it is.
   */
  move(
    caller: Caller,
    move: OnboardingMove,
  ): Promise<
    Denied | LookupFailure | { kind: 'refused'; from: OnboardingStatus } | { kind: 'done'; record: DataSource }
  >
}
