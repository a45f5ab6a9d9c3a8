import { DsctlError, UnavailableError, withDetails } from '../../domain/errors.ts'
import type { Intent } from '../../ports/intent.ts'
import type { Busy } from '../../ports/record-steps.ts'
import { backOff, interruptionError, type Stores } from '../stores.ts'
import { MAX_PASSES, settleOnce } from './settle.ts'

/**
 * What came of sending one message until it was answered. `lost` says that some try got no answer and may take effect
 * at any later moment: a refusal, or giving up, then says nothing about that try.
 */
export type RetryResult<T> = { readonly lost: boolean } & (
  | { readonly kind: 'answered'; readonly answer: T }
  | { readonly kind: 'refused' | 'gave up'; readonly error: DsctlError }
)

/** Sends again until there is an answer, with back-off, within the time-out. Rule 7. */
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

/**
 * Sends a first step until it is answered, settling or waiting for what stands in its way. `decides` says that this
 * one statement is the whole of what happens to the record (a plain update, S1 of a delete). Throws `conflict` where
 * another is at work for longer than the time-out, UnavailableError with its outcome where Postgres is away, and as an
 * interruption does where someone interrupts the wait.
 */
export async function beginStep<A extends { readonly kind: string }>(
  stores: Stores,
  decides: boolean,
  send: () => Promise<A | Busy>,
): Promise<Exclude<A, Busy>> {
  const end = stores.clock.now() + stores.timeoutMs
  let lost: UnavailableError | undefined
  for (let tries = 0; ; tries++) {
    const sent = await catchFailure(send)
    const late = stores.clock.now() >= end
    if (sent.kind === 'failed') {
      if (isAnswerLost(sent.error)) lost = sent.error
      // Before anything was begun, a Postgres that can't be reached is no reason to keep the user waiting.
      const again = sent.error instanceof UnavailableError && lost && !late && !stores.interrupted()
      if (!again) throw beginFailure(sent.error, decides, lost)
    } else if (!isBusy(sent.answer)) {
      // A second try that did nothing says nothing about the first, which may still arrive.
      if (lost && DID_NOTHING.has(sent.answer.kind) && decides) throw beginFailure(lost, decides, lost)
      return sent.answer as Exclude<A, Busy>
    } else {
      const { intent } = sent.answer
      const met = await catchFailure(() =>
        resolveBlocker(stores, intent, late && (!intent?.expired || tries >= MAX_PASSES)),
      )
      if (met.kind === 'failed') throw beginFailure(met.error, decides, lost)
    }
    await backOff(stores, Math.min(tries, 4))
  }
}

/** Answers of a statement that did nothing: it was refused, or found done what another did. */
const DID_NOTHING = new Set(['denied', 'not found', 'ambiguous', 'taken', 'unchanged', 'owed'])

/**
 * Settles what stands in the way where its lease is over; throws `conflict` where there is no more time for it, and as
 * an interruption does where someone does not want to wait.
 */
async function resolveBlocker(stores: Stores, intent: Intent | undefined, over: boolean): Promise<void> {
  const stopped = stores.interrupted()
  if (stopped) throw interruptionError(stopped)
  if (over) throw inUseError(intent)
  if (intent?.expired) await settleOnce(stores, intent.id, stores.process)
}

// An intent that may have been recorded is all that a create or an update can have left: it will be taken back. Where
// the statement decides, nothing that came after a lost try tells whether that has been or will be done.
function beginFailure(error: DsctlError, decides: boolean, lost: UnavailableError | undefined): DsctlError {
  const unavailable = error instanceof UnavailableError
  if (lost && decides) return withDetails(unavailable ? error : lost, { outcome: 'unknown' })
  return unavailable ? withDetails(error, { outcome: lost ? 'undoing' : 'none' }) : error
}

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

function inUseError(intent: Intent | undefined): DsctlError {
  const what = intent ? `${intent.kind} of this data source or its name` : 'operation on it'
  return new DsctlError('conflict', `Someone else is changing it at the moment: another ${what} is under way.`, {
    hint: 'Try again in a moment; what was left unfinished is settled when its lease is over.',
    id: intent?.dataSourceId,
  })
}
