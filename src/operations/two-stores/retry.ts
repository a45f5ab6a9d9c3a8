import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import type { Stores } from '../stores.ts'
import { backOff } from './back-off.ts'

/**
 * The result of sending a request, with retries. `lost`: some try got no answer, and may take effect at any later time,
 * even if a later try was refused.
 */
export type RetryResult<T> = { readonly lost: boolean } & (
  | { readonly kind: 'answered'; readonly answer: T }
  | { readonly kind: 'refused' | 'gave up'; readonly error: DsctlError }
)

/** Sends a request until it is answered or refused, with back-off, for at most the time-out. */
export async function retry<T>(stores: Stores, send: () => Promise<T>): Promise<RetryResult<T>> {
  const end = stores.clock.now() + stores.timeoutMs
  let lost = false
  for (let tries = 0; ; tries++) {
    try {
      return { kind: 'answered', answer: await send(), lost }
    } catch (error) {
      if (!(error instanceof DsctlError)) throw error
      if (!(error instanceof UnavailableError)) return { kind: 'refused', error, lost }
      lost ||= error.delivered === 'maybe'
      if (stores.clock.now() >= end) return { kind: 'gave up', error, lost }
      await backOff(stores, tries)
    }
  }
}
