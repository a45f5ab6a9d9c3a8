import {
  type DataSource,
  ONBOARDING_ALLOWED_FROM,
  ONBOARDING_STATUSES,
  type OnboardingStatus,
} from '../domain/data-source.ts'
import { DsctlError, invalid, withDetails } from '../domain/errors.ts'
import { stringify } from '../lib/stringify.ts'
import type { Ref } from '../ports/lookup.ts'
import type { Onboarding } from '../ports/onboarding.ts'
import { getSourceType } from '../source-types/index.ts'
import { permitted } from './authorize.ts'
import { readCredentials, type WithCredentials } from './credentials.ts'
import type { Stores } from './stores.ts'
import { retry } from './two-stores/retry.ts'

/** A requested change of the onboarding status. */
export interface StatusChange {
  readonly ref: Ref
  readonly status: OnboardingStatus
  readonly error: string | undefined
}

/**
 * Changes the onboarding status; a data source that has it already stays unchanged. Throws `conflict` if the current
 * status does not allow the change, and `invalid` if the error text contains a secret of the data source. The secrets
 * are not compared if they cannot be read.
 */
export async function moveOnboarding(
  stores: Stores,
  onboarding: Onboarding,
  move: StatusChange,
): Promise<WithCredentials & { readonly changed: boolean }> {
  if (move.error !== undefined) await checkNoSecret(stores, move.ref, move.error)
  const moved = await sendMove(stores, onboarding, move)
  if (moved.kind === 'refused') throw notAllowed(moved.from, move.status)
  return { ...(await readCredentials(stores, moved.record)), changed: moved.kind === 'done' }
}

/** Sends the change with retries. A retry recognizes what an earlier try has done. */
export async function sendMove(
  stores: Stores,
  onboarding: Onboarding,
  move: StatusChange,
): Promise<{ kind: 'refused'; from: OnboardingStatus } | { kind: 'done' | 'unchanged'; record: DataSource }> {
  const event = { ...move, eventId: crypto.randomUUID() }
  const sent = await retry(stores, () => onboarding.move(stores.caller, event))
  if (sent.kind !== 'answered') throw sent.lost ? unknownOutcome(sent.error) : sent.error
  return permitted(sent.answer, move.ref.text)
}

async function checkNoSecret(stores: Stores, ref: Ref, error: string): Promise<void> {
  const { record } = permitted(await stores.records.find(stores.caller, ref), ref.text)
  const { credentials } = await readCredentials(stores, record)
  const { fields } = getSourceType(record.type)
  const held = Object.entries(credentials ?? {}).some(([name, secret]) => {
    const value = fields[name]?.secret === false || name === 'type' ? '' : stringify(secret.reveal())
    return value.length > 3 && error.includes(value)
  })
  if (!held) return
  const message = 'must not contain a secret of the data source: everyone can read this text'
  throw invalid('The onboarding status was not changed.', [{ field: 'error', message }])
}

function notAllowed(from: OnboardingStatus, to: OnboardingStatus): DsctlError {
  const allowed = ONBOARDING_STATUSES.filter(status => ONBOARDING_ALLOWED_FROM[status].includes(from))
  return new DsctlError('conflict', `The onboarding status is ${from}, which cannot become ${to}.`, {
    hint: `From ${from} it can become ${allowed.join(' or ')}.`,
  })
}

function unknownOutcome(error: DsctlError): DsctlError {
  return withDetails(error, { outcome: 'unknown', hint: 'Run dsctl get to see the status.' })
}
