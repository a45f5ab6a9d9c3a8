import { isDeepStrictEqual } from 'node:util'
import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import type { Credentials } from '../../domain/secret.ts'
import type { IntentOutcome } from '../../ports/intent.ts'
import type { SecretLocation } from '../../ports/secrets.ts'
import { backOff, type Stores } from '../stores.ts'

/** What a look at an intent found, or did about it. `again`: only another look tells what came of it. */
export type SettleStep =
  | { readonly kind: 'closed'; readonly outcome: IntentOutcome }
  | { readonly kind: 'again'; readonly undoing: boolean }

/**
 * One look at an intent, and what it says to do (rules 3 and 4): the only code that undoes anything. Its owner, the
 * next writer and doctor share it; any number may settle one intent at once. `settledBy` names a process that settles
 * another's work.
 */
export async function settleOnce(stores: Stores, id: string, settledBy?: string): Promise<SettleStep> {
  const { records, secrets } = stores
  const intent = await records.findIntent(id)
  if (!intent) return { kind: 'closed', outcome: 'unknown' }
  if (intent.state === 'closed') {
    // Where others have undone a create, what its owner wrote may have arrived after they had removed it.
    if (intent.kind === 'create' && intent.outcome === 'none' && settledBy === undefined) await secrets.remove(intent)
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

/**
 * Settles one's own intent until it is closed. Throws UnavailableError, with its outcome, where that can't be had:
 * unknown where a last step got no answer and may yet happen, or have happened.
 */
export async function settleOwn(stores: Stores, intent: { id: string; lastStepLost: boolean }): Promise<IntentOutcome> {
  const end = stores.clock.now() + stores.timeoutMs
  let undoing = !intent.lastStepLost
  for (let tries = 0; ; tries++) {
    try {
      const seen = await settleOnce(stores, intent.id)
      if (seen.kind === 'closed') return seen.outcome
      undoing ||= seen.undoing
      if (tries >= MAX_PASSES) throw writesNotVisible()
    } catch (error) {
      if (!(error instanceof DsctlError)) throw error
      if (!(error instanceof UnavailableError) || stores.clock.now() >= end) throw unsettledError(error, undoing)
      await backOff(stores, tries)
    }
  }
}

/** The table of rule 4. Answers how to close; undefined where it has written, since only a look tells what came of it. */
async function restoreSecret(stores: Stores, at: SecretLocation, base: number): Promise<IntentOutcome | undefined> {
  const { secrets } = stores
  const now = await secrets.read(at)
  const before = base === 0 ? null : await secrets.readVersion(at, base)
  const ahead = now.version - base
  if (before === 'gone' || ahead < 0 || ahead > 2) return 'unknown'
  if (ahead === 0) {
    await secrets.write(at, before ?? {}, base) // the fence: a delayed V2 now fails
    return undefined
  }
  if (sameCredentials(now.data, before)) return 'none'
  if (ahead !== 1) return 'unknown'
  if (before) await secrets.write(at, before, base + 1)
  else await secrets.softDelete(at, base + 1)
  return undefined
}

/** Whether two versions hold the same; null is one that is soft-deleted, which `{}` is not. */
export function sameCredentials(a: Credentials | null, b: Credentials | null): boolean {
  return isDeepStrictEqual(revealed(a), revealed(b))
}

function revealed(credentials: Credentials | null): unknown {
  return credentials && Object.fromEntries(Object.entries(credentials).map(([name, value]) => [name, value.reveal()]))
}

/** More than it takes even beside other settlers: what is written does not show, as on a node that lags. */
export const MAX_PASSES = 8

function writesNotVisible(): UnavailableError {
  return new UnavailableError('maybe', 'Vault does not show what is written to it.')
}

function unsettledError(error: DsctlError, undoing: boolean): UnavailableError {
  return new UnavailableError('maybe', error.message, {
    outcome: undoing ? 'undoing' : 'unknown',
    hint: 'dsctl doctor --fix settles it; so does the next change of the same data source.',
  })
}
