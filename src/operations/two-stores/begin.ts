import { DsctlError, UnavailableError, withDetails } from '../../domain/errors.ts'
import type { Intent } from '../../ports/intent.ts'
import type { Busy } from '../../ports/record-steps.ts'
import { throwIfInterrupted } from '../interruption.ts'
import type { Stores } from '../stores.ts'
import { backOff } from './back-off.ts'
import { MAX_PASSES, settleOnce } from './settle.ts'

/**
 * Sends the begin step of an operation, or a plain update, and retries until it is answered. If the intent of another
 * operation blocks it, settles that intent or waits for it. `decides`: this statement itself changes the record (a
 * plain update, the begin step of a delete).
 *
 * Throws `conflict` if another operation blocks it for longer than the time-out, UnavailableError with an outcome if
 * Postgres is unavailable, and an interruption if the user interrupts the wait.
 */
export async function beginStep<A extends { readonly kind: string }>(
  stores: Stores,
  { decides }: { decides: boolean },
  send: () => Promise<A | Busy>,
): Promise<Exclude<A, Busy>> {
  const end = stores.clock.now() + stores.timeoutMs
  let lost: UnavailableError | undefined
  for (let tries = 0; ; tries++) {
    const sent = await catchFailure(send)
    const timedOut = stores.clock.now() >= end
    if (sent.kind === 'failed') {
      if (isAnswerLost(sent.error)) lost = sent.error
      // Retry only if an earlier try may have begun. Otherwise fail at once if Postgres cannot be reached.
      const again = sent.error instanceof UnavailableError && lost && !timedOut && !stores.interrupted()
      if (!again) throw beginFailure(sent.error, { decides, lost })
    } else if (!isBusy(sent.answer)) {
      // That a retry changed nothing does not show what happened to the first try: it may still arrive.
      if (lost && DID_NOTHING.has(sent.answer.kind) && decides) throw beginFailure(lost, { decides, lost })
      return sent.answer as Exclude<A, Busy>
    } else {
      const { intent } = sent.answer
      const giveUp = timedOut && (!intent?.expired || tries >= MAX_PASSES)
      const resolved = await catchFailure(() => resolveBlocker(stores, { intent, giveUp }))
      if (resolved.kind === 'failed') throw beginFailure(resolved.error, { decides, lost })
    }
    await backOff(stores, Math.min(tries, 4))
  }
}

/** The answers that mean that the statement itself changed nothing. */
const DID_NOTHING = new Set(['denied', 'not found', 'ambiguous', 'taken', 'unchanged', 'owed'])

async function catchFailure<A>(run: () => Promise<A>) {
  try {
    return { kind: 'answered' as const, answer: await run() }
  } catch (error) {
    if (error instanceof DsctlError) return { kind: 'failed' as const, error }
    throw error
  }
}

function isAnswerLost(error: DsctlError): error is UnavailableError {
  return error instanceof UnavailableError && error.delivered === 'maybe'
}

function isBusy(answer: { readonly kind: string }): answer is Busy {
  return answer.kind === 'busy'
}

/**
 * Adds the outcome to the error. A create or an update can have left at most an intent, which will be rolled back. If
 * the statement itself changes the record and an answer was lost, the outcome is unknown.
 */
function beginFailure(
  error: DsctlError,
  { decides, lost }: { decides: boolean; lost: UnavailableError | undefined },
): DsctlError {
  const unavailable = error instanceof UnavailableError
  if (lost && decides) return withDetails(unavailable ? error : lost, { outcome: 'unknown' })
  return unavailable ? withDetails(error, { outcome: lost ? 'undoing' : 'none' }) : error
}

/** Settles a blocking intent if its lease has expired. Throws `conflict` to give up, or an interruption. */
async function resolveBlocker(
  stores: Stores,
  { intent, giveUp }: { intent: Intent | undefined; giveUp: boolean },
): Promise<void> {
  throwIfInterrupted(stores)
  if (giveUp) throw inUseError(intent)
  if (intent?.expired) await settleOnce(stores, intent.id, stores.process)
}

function inUseError(intent: Intent | undefined): DsctlError {
  const other = intent
    ? `Another ${intent.kind} of this data source or its name`
    : 'Another operation on this data source'
  return new DsctlError('conflict', `${other} is in progress.`, {
    hint: 'Run the command again in a moment. If the other process has died, its operation is settled once its lease expires.',
    id: intent?.dataSourceId,
  })
}
