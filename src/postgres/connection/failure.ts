import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import { isSqlState } from '../../lib/postgres-login-failure.ts'
import { InvalidPostgresMessage } from '../../lib/postgres-messages/invalid-message.ts'
import { functionIn } from './grant-hint.ts'
import {
  type PostgresError,
  privilegeFailure,
  ruleFailure,
  uniqueFailure,
  WriteRefused,
  withoutPeriod,
} from './rule-failure.ts'

/** Postgres has aborted the transaction because of a concurrent one: a deadlock, or a serialization failure. */
export class TransactionAborted extends UnavailableError {}

/**
 * The error for a failed statement. It is built from the driver's error code, because the driver's error may hold
 * values.
 */
export function statementFailure(error: unknown): Error {
  const found = readError(error)
  const failure = failureOf(error, found)
  if (found.code === '22P05') untranslatable.add(failure)
  return failure
}

const untranslatable = new WeakSet<object>()

/** Whether a statement failed because it contains a character that the encoding of the database lacks. */
export function isUntranslatable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && untranslatable.has(error)
}

function failureOf(error: unknown, found: ReturnType<typeof readError>): Error {
  const { code = '', message, severity, where = '' } = found
  if (code === '23505') return uniqueFailure(found)
  if (TRANSIENT.test(code)) {
    const text = `Postgres could not run the statement: ${withoutPeriod(message)}.`
    const Failure = ABORTED.test(code) ? TransactionAborted : UnavailableError
    return new Failure('no', text, { hint: code === '57014' ? TIMEOUT_HINT : RETRY_HINT })
  }
  if (error instanceof InvalidPostgresMessage) {
    return new UnavailableError('maybe', `Postgres sent ${error.what}.`, { hint: INVALID_MESSAGE_HINT })
  }
  // If the severity is ERROR, the session continues. The statement has then failed, even if its code suggests
  // otherwise.
  if (!isSqlState(code) || (CONNECTION_LOST.test(code) && severity !== 'ERROR')) {
    return new UnavailableError('maybe', 'The connection to Postgres was lost before the statement completed.', {
      hint: RETRY_HINT,
    })
  }
  if (code === '42501') return privilegeFailure(message, where)
  if (code === '25006') return readOnlyFailure()
  // If a function of the application raised the error, the code does not describe a problem of dsctl's statement.
  const isOwn = functionIn(where) === undefined
  if (isOwn && NOT_PREPARED.test(code)) return notPreparedFailure(message)
  return isOwn && BUG.test(code) ? new Error(`Postgres ${code}: ${message}`) : ruleFailure(found)
}

/** The error for a statement that timed out. It may still have taken effect. */
export function statementTimeout(seconds: number): UnavailableError {
  return new UnavailableError('maybe', `Postgres did not respond within ${seconds} seconds.`, {
    hint: 'Try again. If Postgres is slow, pass a longer --timeout.',
  })
}

const ABORTED = /^(40001|40P01)$/
const TRANSIENT = /^(40001|40P01|53...|55P03|57014|57P03)$/
const CONNECTION_LOST = /^(08...|25P03|25P04|40003|57P01|57P02|57P04|57P05|58...|XX...)$/

const NOT_PREPARED = /^(42P01|3F000|42703)$/
// Codes that only a bug in a statement of dsctl can cause.
const BUG = /^(42601|2[56]...)$/

const RETRY_HINT = 'Try again.'
const TIMEOUT_HINT = 'Try again. If it says statement timeout, raise statement_timeout for your role or the database.'
/** The hint for a message that Postgres would never send. */
export const INVALID_MESSAGE_HINT =
  'Check that database.url is the address of Postgres, and that no proxy in between changes its responses.'

function readOnlyFailure(): DsctlError {
  return new WriteRefused('unavailable', 'Postgres accepts no writes: the server is a standby, or read-only.', {
    outcome: 'none',
    hint: 'Set database.url to the primary server. If it is the primary, reset default_transaction_read_only of the database or role.',
  })
}

function notPreparedFailure(message: string): DsctlError {
  return new DsctlError('invalid', `The database is not set up for dsctl: ${message}.`, {
    hint: 'Run dsctl init, or check database.url with dsctl config list.',
  })
}

/** The part of a driver's error that dsctl uses. */
export function readError(error: unknown): PostgresError {
  if (!(error instanceof Error)) return { message: '' }
  const { code, detail, hint, severity, where, schema, table, constraint } = error as Error & Partial<PostgresError>
  // An AggregateError, for a host with several addresses, has no code. Use the code of its first error.
  const inner = error instanceof AggregateError ? error.errors[0] : undefined
  const details = { detail, hint, severity, where, schema, table, constraint }
  const given = Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
  return { code: String(code ?? (inner as PostgresError | undefined)?.code ?? ''), message: error.message, ...given }
}
