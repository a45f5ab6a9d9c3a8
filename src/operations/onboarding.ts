import {
  type DataSource,
  ONBOARDING_ALLOWED_FROM,
  ONBOARDING_STATUSES,
  type OnboardingStatus,
} from '../domain/data-source.ts'
import { DsctlError, invalid, withDetails } from '../domain/errors.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { stringify } from '../lib/stringify.ts'
import type { Ref } from '../ports/lookup.ts'
import type { Onboarding } from '../ports/onboarding.ts'
import { getSourceType } from '../source-types/index.ts'
import { lineProblem } from '../source-types/limits.ts'
import { permitted } from './authorize.ts'
import { readCredentials, type WithCredentials } from './credentials.ts'
import type { Stores } from './stores.ts'
import { retry } from './two-stores/retry.ts'

export interface Move {
  readonly ref: Ref
  readonly status: OnboardingStatus
  readonly error: string | undefined
}

const STATUSES = `must be one of ${ONBOARDING_STATUSES.join(', ')}`

/** In characters. */
const MAX_ERROR = 1000

/** Reads a move as it is typed; throws `invalid` with every problem of it. */
export function parseMove(ref: Ref, given: { status: string; error: unknown }): Move {
  const status = ONBOARDING_STATUSES.find(known => known === given.status)
  const error = typeof given.error === 'string' ? given.error : undefined
  const problems = [
    ...(status ? [] : [{ field: 'status', message: STATUSES + didYouMean(given.status, ONBOARDING_STATUSES) }]),
    ...errorProblems(status, error).map(message => ({ field: 'error', message })),
  ]
  if (problems.length || !status) throw invalid('The onboarding status cannot be moved like this.', problems)
  return { ref, status, error }
}

function errorProblems(status: OnboardingStatus | undefined, error: string | undefined): readonly string[] {
  if (error === undefined) return status === 'failed' ? ['is required with failed: --error TEXT'] : []
  if (status && status !== 'failed') return ['makes sense only with failed: any other status clears it']
  return [
    lineProblem(error, MAX_ERROR),
    /PRIVATE KEY|\/\/[^/\s]*:[^/\s]*@/.test(error) ? LOOKS_SECRET : undefined,
  ].flatMap(message => message ?? [])
}

const LOOKS_SECRET = 'holds what looks like a secret, and everybody can read it: leave that out'

/**
 * Moves the onboarding status where the state machine allows it from the present one; else throws `conflict`. An error
 * text that holds one of the source's own secrets is refused, as far as Vault lets them be read.
 */
export async function moveOnboarding(stores: Stores, onboarding: Onboarding, move: Move): Promise<WithCredentials> {
  if (move.error !== undefined) await checkNoSecret(stores, move.ref, move.error)
  const moved = await sendMove(stores, onboarding, move)
  if (moved.kind === 'refused') throw notAllowed(moved.from, move.status)
  return readCredentials(stores, moved.record)
}

/** Sends it until it is answered: a second try finds what the first has done. */
export async function sendMove(
  stores: Stores,
  onboarding: Onboarding,
  move: Move,
): Promise<{ kind: 'refused'; from: OnboardingStatus } | { kind: 'done'; record: DataSource }> {
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
  if (held)
    throw invalid('The onboarding status cannot be moved like this.', [{ field: 'error', message: LOOKS_SECRET }])
}

function notAllowed(from: OnboardingStatus, to: OnboardingStatus): DsctlError {
  const allowed = ONBOARDING_STATUSES.filter(status => ONBOARDING_ALLOWED_FROM[status].includes(from))
  return new DsctlError('conflict', `The onboarding status is ${from}, which cannot become ${to}.`, {
    hint: `From ${from} it can become ${allowed.join(' or ')}.`,
  })
}

function unknownOutcome(error: DsctlError): DsctlError {
  return withDetails(error, { outcome: 'unknown', hint: 'dsctl get shows the status.' })
}
