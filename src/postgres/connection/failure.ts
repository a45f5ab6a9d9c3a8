import { DsctlError, UnavailableError } from '../../domain/errors.ts'
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

/**
 * The error for a failed statement. It is built from the driver's error code, because the driver's error may hold
 * values.
 */
export function statementFailure(error: unknown): Error {
  const found = readError(error)
  const { code = '', message, severity, where = '' } = found
  if (code === '23505') return uniqueFailure(found)
  if (TRANSIENT.test(code)) {
    return new UnavailableError('no', `Postgres could not run the statement: ${withoutPeriod(message)}.`, {
      hint: RETRY_HINT,
    })
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

/** The error for a failed connection attempt. No statement was sent. */
export function connectFailure(error: unknown, target: string): Error {
  const { code = '', message } = readError(error)
  if (code === '28P01' || code === '28000') {
    return new DsctlError('unauthenticated', `Postgres at ${target} refused the user name or password.`, {
      hint: 'Set PGUSER and PGPASSWORD, or add the database to ~/.pgpass.',
    })
  }
  if (code === '3D000') {
    return new DsctlError('invalid', `Postgres at ${target} has no such database.`, {
      hint: 'Check database.url. Run dsctl config list to see its value and source.',
    })
  }
  if (code === '42501') {
    return new DsctlError('forbidden', `Postgres at ${target}: ${message}.`, {
      hint: 'Ask the owner of the database to run: GRANT CONNECT ON DATABASE … TO your role.',
    })
  }
  if (/SASL|password must be a string/.test(message)) {
    return new DsctlError('unauthenticated', `Postgres at ${target} requires a password, and none is set.`, {
      hint: 'Set PGPASSWORD, or add the database to ~/.pgpass.',
    })
  }
  if (error instanceof InvalidPostgresMessage) {
    return new UnavailableError(
      'no',
      `Postgres at ${target} cannot be reached: it sent ${error.what}, or is not a Postgres server.`,
      {
        hint: INVALID_MESSAGE_HINT,
      },
    )
  }
  return new UnavailableError('no', `Postgres at ${target} cannot be reached: ${unreachableReason(code, message)}.`, {
    hint: 'Check that Postgres is running and that database.url is correct. Run dsctl config list to see it.',
  })
}

/** The error for a statement that timed out. It may still have taken effect. */
export function statementTimeout(seconds: number): UnavailableError {
  return new UnavailableError('maybe', `Postgres did not respond within ${seconds} seconds.`, {
    hint: 'Try again. If Postgres is slow, pass a longer --timeout.',
  })
}

/** Whether an error code is an SQLSTATE. Some codes of Node, such as EPIPE, have the same length. */
export function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)
}

const TRANSIENT = /^(40001|40P01|53...|55P03|57014|57P03)$/
const CONNECTION_LOST = /^(08...|25P03|25P04|40003|57P01|57P02|57P04|57P05|58...|XX...)$/

const NOT_PREPARED = /^(42P01|3F000|42703)$/
// Codes that only a bug in a statement of dsctl can cause.
const BUG = /^(42601|2[56]...)$/

const RETRY_HINT = 'Try again.'
const INVALID_MESSAGE_HINT =
  'Check that database.url is the address of Postgres, and that no proxy in between changes its responses.'
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'the host name could not be resolved',
  ETIMEDOUT: 'the connection timed out',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOENT: 'socket not found',
  '53300': 'too many connections',
  '57P01': 'it is shutting down',
  '57P03': 'it is starting up or shutting down',
}

function unreachableReason(code: string, message: string): string {
  if (REASONS[code]) return REASONS[code]
  if (/timeout/i.test(message)) return 'the connection timed out'
  if (/does not support SSL/.test(message)) return 'the server does not support TLS, and sslmode requires it'
  if (/certificate|self.signed|TLS|SSL/i.test(`${code} ${message}`)) return 'its TLS certificate is not trusted'
  if (/terminated unexpectedly/.test(message)) return 'it closed the connection, or is not a Postgres server'
  if (isSqlState(code)) return `the server or a connection pooler returned error ${code}`
  return code || 'the connection failed'
}

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

function readError(error: unknown): PostgresError {
  if (!(error instanceof Error)) return { message: '' }
  const { code, detail, hint, severity, where, schema, table, constraint } = error as Error & Partial<PostgresError>
  // An AggregateError, for a host with several addresses, has no code. Use the code of its first error.
  const inner = error instanceof AggregateError ? error.errors[0] : undefined
  const details = { detail, hint, severity, where, schema, table, constraint }
  const given = Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
  return { code: String(code ?? (inner as PostgresError | undefined)?.code ?? ''), message: error.message, ...given }
}
