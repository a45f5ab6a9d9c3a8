import { type DsctlError, UnavailableError, withDetails } from '../../domain/errors.ts'
import type { IntentOutcome } from '../../ports/intent.ts'
import type { Stores } from '../stores.ts'
import { retry } from './retry.ts'
import { settleOwn } from './settle.ts'

/**
 * Ends an operation that has written nothing to Vault and has no write under way, by closing its intent as `none`.
 * Returns the error to throw: `reason`, with the outcome if it has one.
 */
export async function cancelIntent(stores: Stores, intentId: string, reason: DsctlError): Promise<DsctlError> {
  await closeUnused(stores, intentId, { audit: true })
  return withOutcomeNone(reason)
}

/**
 * Closes an intent as `none` without touching Vault. With `audit`, records the operation as failed. Returns false if
 * another process had begun to settle the intent.
 */
export async function closeUnused(stores: Stores, intentId: string, { audit }: { audit: boolean }): Promise<boolean> {
  const closing = { id: intentId, state: 'open', outcome: 'none', audit, settledBy: undefined } as const
  const closed = await retry(stores, () => stores.records.close(closing))
  if (closed.kind === 'answered' && closed.answer === 'ok') return true
  await settleOwn(stores, intentId, { commitLost: false })
  return closed.kind !== 'answered' || closed.lost
}

/**
 * Rolls back an operation before its commit step. Returns the error to throw: `reason` with its outcome. Throws
 * UnavailableError if the roll-back cannot be completed now.
 */
export async function rollBack(stores: Stores, intentId: string, reason: DsctlError): Promise<DsctlError> {
  return outcomeError(reason, await settleOwn(stores, intentId, { commitLost: false }))
}

/** The reason why an operation did not happen, with the outcome of its intent. */
export function outcomeError(reason: DsctlError, outcome: IntentOutcome): DsctlError {
  if (outcome !== 'unknown') return withOutcomeNone(reason)
  return new UnavailableError('maybe', reason.message, { ...reason.details, outcome: 'unknown', hint: OUTSIDE_WRITE })
}

const OUTSIDE_WRITE =
  'Someone outside dsctl wrote the same secret in the meantime. Compare it with dsctl get, and repeat the update.'

function withOutcomeNone(error: DsctlError): DsctlError {
  return error.code === 'unavailable' ? withDetails(error, { outcome: 'none' }) : error
}
