import { ONBOARDING_STATUSES, type OnboardingStatus } from '../domain/data-source.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import type { StatusChange } from '../operations/onboarding.ts'
import type { Ref } from '../ports/lookup.ts'
import { lineProblem } from '../source-types/limits.ts'

/** In characters. */
const MAX_ERROR = 1000

/** Reads a change of the onboarding status. Throws `invalid` with every problem. */
export function readMove(ref: Ref, given: { status: string; error: string | undefined }): StatusChange {
  const status = ONBOARDING_STATUSES.find(known => known === given.status)
  const problems = errorProblems(status, given.error)
  if (status && problems.length === 0) return { ref, status, error: given.error }
  const message = `must be one of ${ONBOARDING_STATUSES.join(', ')}${didYouMean(given.status, ONBOARDING_STATUSES)}`
  throw invalid('Invalid command line.', [...(status ? [] : [{ field: 'status', message }]), ...problems])
}

function errorProblems(status: OnboardingStatus | undefined, error: string | undefined): readonly FieldProblem[] {
  const problem = (message: string | undefined) => (message === undefined ? [] : [{ field: 'error', message }])
  if (error === undefined)
    return problem(status === 'failed' ? 'is required with the status failed: --error TEXT' : undefined)
  if (status && status !== 'failed') return problem('is allowed only with the status failed')
  return [...problem(lineProblem(error, MAX_ERROR)), ...problem(secretProblem(error))]
}

function secretProblem(error: string): string | undefined {
  const looksSecret = /PRIVATE KEY|\/\/[^/\s]*:[^/\s]*@/.test(error)
  return looksSecret ? 'seems to contain a secret: remove it, since everyone can read this text' : undefined
}
