import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import type { Intent, IntentOutcome } from '../../ports/intent.ts'
import type { Stores } from '../stores.ts'
import { backOff } from './back-off.ts'
import { restoreSecret } from './restore-secret.ts'

/** The result of one pass. `again`: run another pass to learn what came of it. `undoing`: the intent is rolled back. */
export type SettleStep =
  | { readonly kind: 'closed'; readonly outcome: IntentOutcome }
  | { readonly kind: 'again'; readonly undoing: boolean }

/**
 * Reads an intent and takes the next step to settle it ("Settling" in docs/protocol.md). Only this code rolls anything
 * back. The owner, the next writer and doctor use it, at the same time if need be. `settledBy` is the process if it is
 * not the owner.
 */
export async function settleOnce(stores: Stores, id: string, settledBy?: string): Promise<SettleStep> {
  const { records, secrets } = stores
  const intent = await records.findIntent(id)
  if (!intent) return { kind: 'closed', outcome: 'unknown' }
  if (intent.state === 'closed') {
    // After another process rolled back our create, our write may have arrived late.
    if (isRolledBackCreate(intent) && settledBy === undefined) await secrets.remove(intent)
    return { kind: 'closed', outcome: intent.outcome ?? 'unknown' }
  }
  const close = async (outcome: IntentOutcome): Promise<SettleStep> => {
    const { state } = intent
    const closed = await records.close({ id, state, outcome, audit: true, settledBy })
    return closed === 'ok' ? { kind: 'closed', outcome } : { kind: 'again', undoing: state === 'undoing' }
  }

  if (intent.kind === 'delete') {
    await secrets.remove(intent)
    return close('done')
  }
  if (intent.state === 'open') return { kind: 'again', undoing: (await records.moveToUndoing(id)) === 'ok' }
  if (intent.kind === 'create') {
    await secrets.remove(intent)
    return close('none')
  }
  const outcome = intent.baseVersion === null ? 'none' : await restoreSecret(stores, intent, intent.baseVersion)
  return outcome ? close(outcome) : { kind: 'again', undoing: true }
}

function isRolledBackCreate({ kind, outcome }: Intent): boolean {
  return kind === 'create' && outcome === 'none'
}

/**
 * Settles the caller's own intent until it is closed. Throws UnavailableError if that is not possible within the
 * time-out: outcome `unknown` if a commit got no answer (`commitLost`) and may have happened, else `undoing`.
 */
export async function settleOwn(
  stores: Stores,
  intentId: string,
  { commitLost }: { commitLost: boolean },
): Promise<IntentOutcome> {
  const end = stores.clock.now() + stores.timeoutMs
  let undoing = !commitLost
  for (let tries = 0; ; tries++) {
    try {
      const step = await settleOnce(stores, intentId)
      if (step.kind === 'closed') return step.outcome
      undoing ||= step.undoing
      if (tries >= MAX_PASSES) throw writesNotVisible()
    } catch (error) {
      if (!(error instanceof DsctlError)) throw error
      if (!(error instanceof UnavailableError) || stores.clock.now() >= end) throw unsettledError(error, undoing)
      await backOff(stores, tries)
    }
  }
}

/** More passes than settling takes, even with other settlers at work. After that, a lagging node hides our writes. */
export const MAX_PASSES = 8

function writesNotVisible(): UnavailableError {
  return new UnavailableError('maybe', 'Vault does not show the last writes.')
}

function unsettledError(error: DsctlError, undoing: boolean): UnavailableError {
  return new UnavailableError('maybe', error.message, {
    outcome: undoing ? 'undoing' : 'unknown',
    hint: 'Run dsctl doctor --fix to settle it. The next change of the same data source also settles it.',
  })
}
