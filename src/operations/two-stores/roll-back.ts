import { type DsctlError, UnavailableError, withDetails } from '../../domain/errors.ts'
import type { IntentOutcome } from '../../ports/intent.ts'
import type { Stores } from '../stores.ts'
import { retry } from './retry.ts'
import { settleOwn } from './settle.ts'

/**
 * Closes an intent of which nothing can be under way any more, without touching Vault. Answers the error to throw:
 * `why`, since nothing was changed.
 */
export async function cancelIntent(stores: Stores, intentId: string, why: DsctlError): Promise<DsctlError> {
  await closeUnused(stores, intentId, true)
  return withOutcomeNone(why)
}

/**
 * The same where there is nothing to complain of: an update that turned out to change nothing. Answers whether nobody
 * else had begun to settle it.
 */
export async function closeUnused(stores: Stores, intentId: string, audit: boolean): Promise<boolean> {
  const closing = { id: intentId, state: 'open', outcome: 'none', audit, settledBy: undefined } as const
  const closed = await retry(stores, () => stores.records.close(closing))
  if (closed.kind === 'answered' && closed.answer === 'ok') return true
  await settleOwn(stores, { id: intentId, lastStepLost: false })
  return closed.kind !== 'answered' || closed.lost
}

/**
 * Takes back what an operation has left before its last step was sent, and answers the error to throw. Throws
 * UnavailableError where it can't be taken back now.
 */
export async function rollBack(stores: Stores, intentId: string, why: DsctlError): Promise<DsctlError> {
  return outcomeError(why, await settleOwn(stores, { id: intentId, lastStepLost: false }))
}

/** Why an operation did not happen, with what has become of it. */
export function outcomeError(why: DsctlError, outcome: IntentOutcome): DsctlError {
  if (outcome !== 'unknown') return withOutcomeNone(why)
  return new UnavailableError('maybe', why.message, { ...why.details, outcome: 'unknown', hint: UNKNOWN })
}

const UNKNOWN = 'Someone outside dsctl wrote the same secret meanwhile: compare with dsctl get, and update again.'

function withOutcomeNone(why: DsctlError): DsctlError {
  return why.code === 'unavailable' ? withDetails(why, { outcome: 'none' }) : why
}
