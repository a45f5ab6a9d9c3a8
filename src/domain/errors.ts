/** Every kind of failure: its exit code for scripts, the corresponding HTTP status, and its meaning for people. */
export const ERROR_CODES = {
  bug: { exit: 1, status: 500, meaning: 'a bug, or an error without a code of its own' },
  replaced: { exit: 1, status: 500, meaning: 'dsctl was upgraded or removed while the command ran' },
  unwritten: { exit: 1, status: 500, meaning: 'the output could not be written; changes that were made remain' },
  invalid: { exit: 2, status: 400, meaning: 'wrong usage or an invalid request' },
  unauthenticated: {
    exit: 3,
    status: 401,
    meaning: 'the Vault token is missing, invalid or expired, or Postgres rejects the user',
  },
  forbidden: { exit: 4, status: 403, meaning: 'not permitted' },
  not_found: {
    exit: 5,
    status: 404,
    meaning:
      'a data source, member, template or organization was not found (also: deleted, or in another organization)',
  },
  conflict: {
    exit: 6,
    status: 409,
    meaning: 'the name is taken, or someone else is changing or has changed the data source',
  },
  unavailable: { exit: 7, status: 503, meaning: 'Postgres or Vault cannot be reached, is sealed, or timed out' },
  unhealthy: { exit: 8, status: undefined, meaning: 'a check found problems, or part of a batch failed' },
  different: { exit: 9, status: undefined, meaning: 'the compared sides differ' },
  interrupted: {
    exit: 130,
    status: undefined,
    meaning: 'interrupted; if the change was already committed, its result is printed instead',
  },
  terminated: { exit: 143, status: undefined, meaning: 'terminated; otherwise like 130' },
  hung_up: { exit: 129, status: undefined, meaning: 'the terminal was closed; otherwise like 130' },
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** How the message of an interruption begins, by its code. */
export const INTERRUPTIONS = { interrupted: 'Interrupted', terminated: 'Terminated', hung_up: 'Hung up' } as const

export type InterruptionCode = keyof typeof INTERRUPTIONS

/** Whether a code means that the user stopped the command, which is not a failure. */
export function isInterruption(code: string): code is InterruptionCode {
  return Object.hasOwn(INTERRUPTIONS, code)
}

/** A problem with one field of a request, one flag or one setting. */
export interface FieldProblem {
  readonly field: string
  readonly message: string
  /** For a batch, the request that has the problem: its file, number and name. */
  readonly item?: string
  /** Set if the problem is with a secret source, such as a variable. Several fields may share a source. */
  readonly ofSource?: boolean
}

/**
 * Makes a key from a file safe to print. If the file lacks a space or a colon, a key may contain the secret that should
 * follow it, so the key is cut at the first unexpected character.
 */
export function safeKey(key: string): string {
  const end = key.search(/[^\p{L}\p{N}_.<-]/u) // << is a key of YAML 1.1
  return end < 0 ? key : `${key.slice(0, end)}…`
}

/**
 * The outcome of an operation that ended with exit code 7. `none`: nothing was changed. `undoing`: it did not happen,
 * but its writes still have to be rolled back. `unknown`: it happened completely, or not at all. `owed`: the record is
 * deleted, but its secret still has to be removed.
 */
export type FailureOutcome = 'none' | 'undoing' | 'unknown' | 'owed'

export interface ErrorDetails {
  /** What to do: one sentence, or a command to run. */
  readonly hint?: string | undefined
  readonly fields?: readonly FieldProblem[] | undefined
  readonly outcome?: FailureOutcome | undefined
  /** Id of the data source. */
  readonly id?: string | undefined
  /** A name that was not found; run.ts suggests a similar one. Not printed. */
  readonly unknownName?: string | undefined
}

/** Any failure that is not a bug. Its message and hint never contain a secret. */
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
 * Postgres or Vault gave no usable answer. `delivered` says whether the request may have taken effect: 'no' if it was
 * refused or never sent, 'maybe' if only the answer is missing.
 */
export class UnavailableError extends DsctlError {
  override readonly name = 'UnavailableError'
  readonly delivered: 'no' | 'maybe'

  constructor(delivered: 'no' | 'maybe', message: string, details: ErrorDetails = {}) {
    super('unavailable', message, details)
    this.delivered = delivered
  }
}

/** An error in the usage or the request; lists every problem at once. */
export function invalid(message: string, fields: readonly FieldProblem[] = [], hint?: string): DsctlError {
  return new DsctlError('invalid', message, { fields: fields.length ? fields : undefined, hint })
}

/** Returns a copy of the error with these details added. */
export function withDetails(error: DsctlError, details: ErrorDetails): DsctlError {
  const all = { ...error.details, ...details }
  return error instanceof UnavailableError
    ? new UnavailableError(error.delivered, error.message, all)
    : new DsctlError(error.code, error.message, all)
}
