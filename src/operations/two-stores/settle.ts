import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import type { Intent, IntentOutcome } from '../../ports/intent.ts'
import type { Stores } from '../stores.ts'
import { backOff } from './back-off.ts'
import { restoreSecret } from './restore-secret.ts'

/** The result of one pass. `again`: another pass is needed. `undoing`: the intent is in state `undoing`. */
export type SettleStep =
  | { readonly kind: 'closed'; readonly outcome: IntentOutcome }
  | { readonly kind: 'again'; readonly undoing: boolean }

/**
 * Reads an intent and takes the next step to settle it ("Settling" in docs/protocol.md). All roll-backs happen here.
 * The owner, the next writer and doctor may call it at the same time. `settledBy`: the name of the calling process;
 * undefined if it is the owner.
 */
export async function settleOnce(stores: Stores, id: string, settledBy?: string): Promise<SettleStep> {
  const { records, secrets } = stores
  const intent = await records.findIntent(id)
  if (!intent) return { kind: 'closed', outcome: 'unknown' }
  if (intent.state === 'closed') {
    // Another process has rolled back our create. Our write may have arrived after that.
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
 * Runs passes until the caller's own intent is closed. Throws UnavailableError if that is not possible within the
 * time-out. Its outcome is `unknown` if the commit got no answer (`commitLost`) and may have happened, otherwise
 * `undoing`.
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

/**
 * Upper bound on passes, even with other settlers at work. If it is reached, a lagging node must be hiding our writes.
 */
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
