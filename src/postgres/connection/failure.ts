import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import { InvalidPostgresMessage } from '../../lib/postgres-messages/invalid-message.ts'

/** A unique index refused the write. */
export class UniqueViolation extends DsctlError {
  /** With the schema if it is `dsctl`, as in `dsctl.pending_operations`; otherwise without. */
  readonly table: string

  constructor(table: string) {
    super('conflict', `A unique index of ${table} refused the write.`, { hint: RULE_HINT })
    this.table = table
  }
}

/** The role lacks a privilege, or the server is read-only (a standby). */
export class WriteRefused extends DsctlError {}

/** A constraint, type, view or trigger of the application's database refused the write. */
export class RuleRefused extends DsctlError {}

interface PostgresError {
  readonly code?: string
  readonly message: string
  readonly schema?: string
  readonly table?: string
}

/**
 * The error for a failed statement. It is built from the driver's error code, because the driver's error may hold
 * values.
 */
export function statementFailure(error: unknown): Error {
  const { code = '', message, schema, table = '' } = readError(error)
  if (code === '23505') return new UniqueViolation(schema === 'dsctl' ? `dsctl.${table}` : table)
  if (code === '42501') return new WriteRefused('forbidden', `Postgres: ${message}.`, { hint: grantHint(message) })
  if (code === '25006') return readOnlyFailure()
  if (code === '42P01' || code === '3F000' || code === '42703') return notPreparedFailure(message)
  if (code === '23503')
    return new RuleRefused('conflict', `Postgres refused the write: ${message}.`, { hint: RULE_HINT })
  if (isRuleViolation(code))
    return new RuleRefused('invalid', `Postgres refused the write: ${message}.`, { hint: RULE_HINT })
  if (TRANSIENT.test(code)) {
    return new UnavailableError('no', `Postgres could not run the statement: ${message}.`, { hint: RETRY_HINT })
  }
  if (error instanceof InvalidPostgresMessage) {
    return new UnavailableError('maybe', `Postgres sent ${error.what}.`, { hint: INVALID_MESSAGE_HINT })
  }
  if (!isSqlState(code) || CONNECTION_LOST.test(code)) {
    return new UnavailableError('maybe', 'The connection to Postgres was lost before the statement completed.', {
      hint: RETRY_HINT,
    })
  }
  return new Error(`Postgres ${code}: ${message}`)
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

// Errors raised by the application's types, constraints, views and triggers. A trigger may raise a code of a class that
// is not standard.
function isRuleViolation(code: string): boolean {
  return isSqlState(code) && (RULE_CODES.test(code) || !STANDARD_CLASSES.test(code))
}

const RULE_CODES = /^(09...|22...|23...|27...|38...|39...|44000|P0...)$/
const STANDARD_CLASSES = /^(0[0-389ABFLPZ]|10|2[0-8BDF]|3[489BDF]|4[024]|5[34578]|72|F0|HV|P0|XX)/
const TRANSIENT = /^(40001|40P01|53...|55P03|57014|57P03)$/
const CONNECTION_LOST = /^(08...|25P03|25P04|40003|57P01|57P02|57P04|57P05|58...|XX...)$/

const RETRY_HINT = 'Try again.'
const INVALID_MESSAGE_HINT =
  'Check that database.url is the address of Postgres, and that nothing between changes its answers.'
const RULE_HINT =
  'The application’s database does not permit this value. Change the request, or ask the owner of the database.'

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
    hint: 'Set database.url to the primary server.',
  })
}

function notPreparedFailure(message: string): DsctlError {
  return new DsctlError('invalid', `The database is not set up for dsctl: ${message}.`, {
    hint: 'Run dsctl init, or check database.url with dsctl config list.',
  })
}

const GRANTS: Readonly<Record<string, string>> = {
  organizations: 'GRANT SELECT ON organizations TO your role',
  datasets: 'GRANT SELECT ON datasets TO your role',
  templates: 'GRANT SELECT, INSERT, UPDATE, DELETE ON dsctl.templates TO your role',
  data_sources: 'GRANT SELECT, INSERT, UPDATE ON data_sources TO your role',
  pending_operations: 'GRANT SELECT, INSERT, UPDATE, DELETE ON dsctl.pending_operations TO your role',
  audit_events: 'GRANT SELECT, INSERT ON dsctl.audit_events TO your role; to prune also DELETE ON dsctl.audit_events',
  users_to_organizations: 'GRANT SELECT ON users_to_organizations TO your role; to change members also INSERT, UPDATE',
  users: 'GRANT SELECT ON users TO your role; to add members also INSERT',
  migrations: 'GRANT SELECT ON dsctl.migrations TO your role',
}

function grantHint(message: string): string {
  const [, table] = /row-level security policy .*for table "?([^" ]+)/.exec(message) ?? []
  if (table)
    return `Row-level security on ${table} refused this. Ask the owner of the table for a policy that permits it for your role.`
  const [, kind, name = ''] = /for (table|schema|sequence|function) (\S+)/.exec(message) ?? []
  if (kind === 'schema') return `Ask the owner of the schema to run: GRANT USAGE ON SCHEMA ${name} TO your role.`
  if (GRANTS[name]) return `Ask the owner of the table to run: ${GRANTS[name]}.`
  return name
    ? `${name} is used by a trigger of the application. Ask its owner for the privilege, or to make the trigger SECURITY DEFINER.`
    : 'Ask the owner of the database for the grants in docs/setup-servers.md.'
}

function readError(error: unknown): PostgresError {
  if (!(error instanceof Error)) return { message: '' }
  const { code, schema, table } = error as Error & Partial<PostgresError>
  // An AggregateError, for a host with several addresses, has no code. Use the code of its first error.
  const inner = error instanceof AggregateError ? error.errors[0] : undefined
  const text = { ...(schema !== undefined && { schema }), ...(table !== undefined && { table }) }
  return { code: String(code ?? (inner as PostgresError | undefined)?.code ?? ''), message: error.message, ...text }
}
