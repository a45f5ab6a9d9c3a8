import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import type { UnclosedIntent } from '../../ports/health.ts'
import type { IntentOutcome } from '../../ports/intent.ts'
import { permitted } from '../authorize.ts'
import { PARALLEL_SETTLES } from '../batch/limits.ts'
import { runInParallel } from '../batch/run-in-parallel.ts'
import type { Stores } from '../stores.ts'
import { backOff } from '../two-stores/back-off.ts'
import { MAX_PASSES, settleOnce } from '../two-stores/settle.ts'
import { checkInterrupted, count, type Examination, type Finding, ok, summarize } from './finding.ts'

/** The outcome of an intent, or why it could not be settled. */
interface SettleResult {
  readonly intent: UnclosedIntent
  readonly outcome: IntentOutcome | undefined
  readonly why: string | undefined
}

/**
 * Reports unfinished operations. With `fix`, settles those whose lease has expired. The others are still in progress.
 */
export async function settleExpired(exam: Examination, intents: readonly UnclosedIntent[]): Promise<Finding> {
  const { stores, health, fix } = exam
  const expired = intents.filter(intent => intent.expired)
  const working = intents.filter(intent => !intent.expired)
  const inProgress = working.length ? ` ${inProgressText(working)}` : ''
  if (!fix) return pendingFinding(expired, inProgress)
  const settled = await exam.uninterruptible(async () => {
    const all = await runInParallel(expired, PARALLEL_SETTLES, intent => settleIntent(stores, intent))
    permitted(await health.records.pruneIntents(stores.caller))
    return all
  })
  checkInterrupted(exam)
  return settledFinding(settled, inProgress)
}

/** A killed process leaves such operations too. Only the end of their lease tells them apart. */
function inProgressText(working: readonly UnclosedIntent[]): string {
  const each = working.map(intent => `${describeIntent(intent)}, left alone until ${intent.until}`)
  return `${working.length} in progress: ${summarize(each)}.`
}

function pendingFinding(expired: readonly UnclosedIntent[], inProgress: string): Finding {
  if (expired.length === 0) return ok('pending', `There are no unfinished operations.${inProgress}`)
  return {
    check: 'pending',
    status: 'problem',
    message: `${count(expired.length, 'operation')} unfinished: ${summarize(expired.map(describeIntent))}.${inProgress}`,
    fix: 'dsctl doctor --fix',
    items: expired.map(intent => intent.dataSourceId),
  }
}

function settledFinding(settled: readonly SettleResult[], inProgress: string): Finding {
  const left = settled.filter(({ outcome }) => outcome === undefined)
  const unknown = settled.filter(({ outcome }) => outcome === 'unknown')
  const items = (of: readonly SettleResult[]) => of.map(({ intent }) => intent.dataSourceId)
  const names = (of: readonly SettleResult[]) =>
    summarize(of.map(({ intent, why }) => `${describeIntent(intent)}${why ? ` (${why})` : ''}`))
  if (left.length) {
    const message = `${count(left.length, 'operation')} could not be settled: ${names(left)}.${inProgress}`
    return { check: 'pending', status: 'problem', message, fix: 'dsctl doctor --fix', items: items(left) }
  }
  if (unknown.length) {
    const message =
      `Settled ${count(settled.length, 'unfinished operation')}. The outcome of ${unknown.length} is unknown, ` +
      `because someone else has written the same secret: ${names(unknown)}.${inProgress}`
    const look = 'Check each with dsctl get ID and dsctl test ID. dsctl has not changed them.'
    return { check: 'pending', status: 'warning', message, fix: look, items: items(unknown) }
  }
  const all = settled.length
    ? `Settled ${count(settled.length, 'unfinished operation')}.`
    : 'There are no unfinished operations.'
  return { ...ok('pending', all + inProgress), items: items(settled) }
}

function describeIntent({ kind, name, actor, since }: UnclosedIntent): string {
  return `${kind} of ${name} by ${actor} at ${since}`
}

/** Settles an intent, with retries within the time-out. */
async function settleIntent(stores: Stores, intent: UnclosedIntent): Promise<SettleResult> {
  const end = stores.clock.now() + stores.timeoutMs
  let why = 'another process is settling it, or Vault does not show the last writes'
  for (let tries = 0; stores.clock.now() < end && !stores.interrupted(); tries++) {
    try {
      const step = await settleOnce(stores, intent.id, stores.process)
      if (step.kind === 'closed') return { intent, outcome: step.outcome, why: undefined }
      // Back off: another process is settling it too, or a lagging node hides our writes.
      if (tries >= MAX_PASSES) await backOff(stores, tries - MAX_PASSES)
    } catch (error) {
      if (!(error instanceof DsctlError)) throw error
      why = error.message
      if (!(error instanceof UnavailableError)) break
      await backOff(stores, tries)
    }
  }
  return { intent, outcome: undefined, why }
}
