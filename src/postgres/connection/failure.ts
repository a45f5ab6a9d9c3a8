import { DsctlError, UnavailableError } from '../../domain/errors.ts'

/** A unique index refused the write. */
export class UniqueViolation extends DsctlError {
  /** As in `dsctl.pending_operations`; without a schema where it is the application's. */
  readonly table: string

  constructor(table: string) {
    super('conflict', `A unique index of ${table} refused the write.`, { hint: RULE_HINT })
    this.table = table
  }
}

/** The role lacks a privilege, or the database takes no writes at all (a standby). */
export class WriteRefused extends DsctlError {}

/** A rule of the application's database has refused the write. */
export class RuleRefused extends DsctlError {}

interface PostgresError {
  readonly code?: string
  readonly message: string
  readonly schema?: string
  readonly table?: string
}

/** What a failed statement means. The driver's error is never passed on: it is rebuilt from its code. */
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
  if (!isSqlState(code) || CONNECTION_LOST.test(code)) {
    return new UnavailableError('maybe', 'The connection to Postgres was lost before it answered.', {
      hint: RETRY_HINT,
    })
  }
  return new Error(`Postgres ${code}: ${message}`)
}

/** What a failed attempt to connect means. Nothing has been sent. */
export function connectFailure(error: unknown, target: string): Error {
  const { code = '', message } = readError(error)
  if (code === '28P01' || code === '28000') {
    return new DsctlError('unauthenticated', `Postgres at ${target} refused the user name or password.`, {
      hint: 'Set PGUSER and PGPASSWORD, or add the database to ~/.pgpass.',
    })
  }
  if (code === '3D000') {
    return new DsctlError('invalid', `Postgres at ${target} has no such database.`, {
      hint: 'Check database.url: dsctl config list shows it and where it comes from.',
    })
  }
  if (code === '42501') {
    return new DsctlError('forbidden', `Postgres at ${target}: ${message}.`, {
      hint: 'Ask its owner for: GRANT CONNECT ON DATABASE … TO your role.',
    })
  }
  if (/SASL|password must be a string/.test(message)) {
    return new DsctlError('unauthenticated', `Postgres at ${target} asks for a password and none is set.`, {
      hint: 'Set PGPASSWORD, or add the database to ~/.pgpass.',
    })
  }
  return new UnavailableError('no', `Postgres at ${target} cannot be reached: ${unreachableReason(code, message)}.`, {
    hint: 'Check that it runs and that database.url is right: dsctl config list shows it.',
  })
}

/** No answer within the time-out. The statement may have run all the same. */
export function statementTimeout(seconds: number): UnavailableError {
  return new UnavailableError('maybe', `Postgres did not answer within ${seconds} seconds.`, {
    hint: 'Try again, with a longer --timeout if it is slow.',
  })
}

/** Whether it is a code of Postgres, and not one of Node's, of which EPIPE and EPERM are as long. */
export function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)
}

// What the application's own rules say no to: its types and lengths, its constraints, its views, its triggers, which
// may have codes of their own.
function isRuleViolation(code: string): boolean {
  return isSqlState(code) && (RULE_CODES.test(code) || !STANDARD_CLASSES.test(code))
}

const RULE_CODES = /^(09...|22...|23...|27...|38...|39...|44000|P0...)$/
const STANDARD_CLASSES = /^(0[0-389ABFLPZ]|10|2[0-8BDF]|3[489BDF]|4[024]|5[34578]|72|F0|HV|P0|XX)/
const TRANSIENT = /^(40001|40P01|53...|55P03|57014|57P03)$/
const CONNECTION_LOST = /^(08...|25P03|25P04|40003|57P01|57P02|57P04|57P05|58...|XX...)$/

const RETRY_HINT = 'Try again in a moment.'
const RULE_HINT =
  'The application’s database has a rule against it: change the request, or ask the owner of the database.'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'it did not answer',
  ECONNRESET: 'the connection was cut',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOENT: 'no such socket',
  '53300': 'it has no connection left',
  '57P01': 'it is shutting down',
  '57P03': 'it is starting up or shutting down',
}

function unreachableReason(code: string, message: string): string {
  if (REASONS[code]) return REASONS[code]
  if (/timeout/i.test(message)) return 'it did not answer in time'
  if (/does not support SSL/.test(message)) return 'it has no TLS and sslmode asks for it'
  if (/certificate|self.signed|TLS|SSL/i.test(`${code} ${message}`)) return 'its TLS certificate was not accepted'
  if (/terminated unexpectedly/.test(message)) return 'it closed the connection, or does not speak Postgres'
  if (isSqlState(code)) return `it, or a pooler before it, answered with error ${code}`
  return code || 'the connection failed'
}

function readOnlyFailure(): DsctlError {
  return new WriteRefused('unavailable', 'Postgres takes no writes: it is a standby or set to read-only.', {
    outcome: 'none',
    hint: 'Point database.url at the primary.',
  })
}

function notPreparedFailure(message: string): DsctlError {
  return new DsctlError('invalid', `The database is not prepared for dsctl: ${message}.`, {
    hint: 'Run dsctl init, or check database.url: dsctl config list shows it.',
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
  const [, hidden] = /row-level security policy .*for table "?([^" ]+)/.exec(message) ?? []
  if (hidden)
    return `Row level security on ${hidden} refused it: ask its owner for a policy that lets your role do this.`
  const [, kind, name = ''] = /for (table|schema|sequence|function) (\S+)/.exec(message) ?? []
  if (kind === 'schema') return `Ask its owner for: GRANT USAGE ON SCHEMA ${name} TO your role.`
  if (GRANTS[name]) return `Ask its owner for: ${GRANTS[name]}.`
  return name
    ? `Ask the owner of ${name} for what a trigger of the application does there, or to make that SECURITY DEFINER.`
    : 'Ask the owner of the database for the grants in docs/setup-servers.md.'
}

function readError(error: unknown): PostgresError {
  if (!(error instanceof Error)) return { message: '' }
  const { code, schema, table } = error as Error & Partial<PostgresError>
  // An AggregateError (every address of a host refused) has no message of its own.
  const inner = error instanceof AggregateError ? error.errors[0] : undefined
  const text = { ...(schema !== undefined && { schema }), ...(table !== undefined && { table }) }
  return { code: String(code ?? (inner as PostgresError | undefined)?.code ?? ''), message: error.message, ...text }
}
