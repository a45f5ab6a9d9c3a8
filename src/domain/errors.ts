/** What each kind of failure means to a script (exit code), to an HTTP reader (status) and to people. The only such table. */
export const ERROR_CODES = {
  bug: { exit: 1, status: 500, meaning: 'a bug, or an error that no other code names' },
  unwritten: { exit: 1, status: 500, meaning: 'the output could not be written; what was done stays done' },
  invalid: { exit: 2, status: 400, meaning: 'wrong usage or an invalid request' },
  unauthenticated: {
    exit: 3,
    status: 401,
    meaning: 'no Vault token, or it is invalid or expired; or Postgres refuses the user',
  },
  forbidden: { exit: 4, status: 403, meaning: 'known, but not permitted' },
  not_found: {
    exit: 5,
    status: 404,
    meaning: "not found: a data source, member, template or organization (also: deleted, or another organization's)",
  },
  conflict: { exit: 6, status: 409, meaning: 'the name is taken, or someone else is changing or has changed it' },
  unavailable: { exit: 7, status: 503, meaning: 'Postgres or Vault cannot be reached, is sealed or timed out' },
  unhealthy: { exit: 8, status: undefined, meaning: 'checked and not healthy, or part of a batch failed' },
  different: { exit: 9, status: undefined, meaning: 'compared, and not the same' },
  interrupted: {
    exit: 130,
    status: undefined,
    meaning: 'interrupted; once the change is committed, its result is printed instead',
  },
  terminated: { exit: 143, status: undefined, meaning: 'terminated, likewise' },
  hung_up: { exit: 129, status: undefined, meaning: 'the terminal was closed, likewise' },
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** What a message of an interruption begins with, by its code. */
export const INTERRUPTIONS = { interrupted: 'Interrupted', terminated: 'Terminated', hung_up: 'Hung up' } as const

export type InterruptionCode = keyof typeof INTERRUPTIONS

/** Whether somebody ended it, so that nothing is wrong. */
export function isInterruption(code: string): code is InterruptionCode {
  return Object.hasOwn(INTERRUPTIONS, code)
}

/** What is wrong with one field of a request, flag or setting. */
export interface FieldProblem {
  readonly field: string
  readonly message: string
}

/**
 * A key that others wrote, as it may be told: where a blank or a colon is missing, the secret that should have followed
 * stands in it.
 */
export function safeKey(key: string): string {
  const end = key.search(/[^\p{L}\p{N}_.<-]/u) // << is a key of YAML 1.1
  return end < 0 ? key : `${key.slice(0, end)}…`
}

/**
 * What has become of an operation that ended in exit 7: `none` nothing was changed, `undoing` it has not happened and
 * what it left is still to be taken back, `unknown` it has wholly happened or not at all, `owed` it is done but for
 * the secret's removal.
 */
export type FailureOutcome = 'none' | 'undoing' | 'unknown' | 'owed'

export interface ErrorDetails {
  /** What to do about it: one sentence, or a command to type. */
  readonly hint?: string | undefined
  readonly fields?: readonly FieldProblem[] | undefined
  readonly outcome?: FailureOutcome | undefined
  /** The data source concerned. */
  readonly id?: string | undefined
  /** A name that led nowhere, for which another may have been meant. It is not printed. */
  readonly unknownName?: string | undefined
}

/** Every failure that is not a bug. Its message and hint are safe to print: they never hold a secret. */
export class DsctlError extends Error {
  override readonly name: string = 'DsctlError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}

/**
 * Postgres or Vault gave no usable answer. `delivered` says whether the message may have taken effect all the same:
 * 'no' where it was refused or never sent, 'maybe' where only the answer is missing.
 */
export class UnavailableError extends DsctlError {
  override readonly name = 'UnavailableError'
  readonly delivered: 'no' | 'maybe'

  constructor(delivered: 'no' | 'maybe', message: string, details: ErrorDetails = {}) {
    super('unavailable', message, details)
    this.delivered = delivered
  }
}

/** A usage error that lists every problem at once. */
export function invalid(message: string, fields: readonly FieldProblem[] = [], hint?: string): DsctlError {
  return new DsctlError('invalid', message, { fields: fields.length ? fields : undefined, hint })
}

/** The same failure, with what is known of its outcome. */
export function withDetails(error: DsctlError, details: ErrorDetails): DsctlError {
  const all = { ...error.details, ...details }
  return error instanceof UnavailableError
    ? new UnavailableError(error.delivered, error.message, all)
    : new DsctlError(error.code, error.message, all)
}
