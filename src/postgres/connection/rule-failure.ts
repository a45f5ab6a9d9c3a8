import { DsctlError } from '../../domain/errors.ts'
import { functionIn, grantHint } from './grant-hint.ts'

/** A unique index refused the write. */
export class UniqueViolation extends DsctlError {
  /** The name of the table. It includes the schema only if that is `dsctl`, as in `dsctl.pending_operations`. */
  readonly table: string

  constructor(table: string) {
    super('conflict', `A unique index of ${table} refused the write.`, { hint: RULE_HINT })
    this.table = table
  }
}

/** The role lacks a privilege, or the server is read-only (a standby). */
export class WriteRefused extends DsctlError {}

/** A constraint, type, view, trigger or policy of the application refused the write. It may accept another row. */
export class RuleRefused extends DsctlError {}

/** The part of a driver's error that is used here. */
export interface PostgresError {
  readonly code?: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
  readonly severity?: string
  readonly where?: string
  readonly schema?: string
  readonly table?: string
  readonly constraint?: string
}

/** The error if a unique index refused the write. */
export function uniqueFailure(error: PostgresError): DsctlError {
  const { schema, table = '', detail = '', constraint } = error
  if (schema === 'dsctl') return new UniqueViolation(`dsctl.${table}`)
  const [, columns] = /\((.*?)\)=\(/s.exec(detail) ?? []
  const isName = columns === undefined || columns.split(', ').toSorted().join() === 'env,name,organization_id'
  if (table !== 'data_sources' || isName) return new UniqueViolation(table)
  return new RuleRefused('conflict', `The unique index ${constraint} of ${table} refused the write.`, {
    hint: RULE_HINT,
  })
}

/** The error for a missing privilege, or a policy that refuses a row. */
export function privilegeFailure(message: string, where: string): DsctlError {
  const text = `Postgres: ${withoutPeriod(message)}.`
  const hint = grantHint({ message, where })
  // A policy or a trigger may refuse one row and accept another. A missing privilege on a table concerns every row.
  const concernsRow = functionIn(where) !== undefined || /row-level security/.test(message)
  return concernsRow ? new RuleRefused('forbidden', text, { hint }) : new WriteRefused('forbidden', text, { hint })
}

/** The error for anything else that the database refuses. */
export function ruleFailure({ code = '', message, hint, table, where = '' }: PostgresError): RuleRefused {
  const source = functionIn(where)
  const named = table === undefined || message.includes(table) ? '' : `, for table ${table}`
  const text = `${withoutPeriod(message)}${named}${source === undefined ? '' : `, in the function ${source}`}`
  const kind = code === '23503' || code === '23P01' ? 'conflict' : 'invalid'
  return new RuleRefused(kind, `Postgres refused the write: ${text}.`, {
    hint: hint === undefined ? RULE_HINT : `${withoutPeriod(hint)}. ${RULE_HINT}`,
  })
}

export function withoutPeriod(text: string): string {
  return text.replace(/\.$/, '')
}

const RULE_HINT =
  'The application’s database does not permit this value. Change the request, or ask the owner of the database.'
