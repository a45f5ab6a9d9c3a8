import type pg from 'pg'
import { UnavailableError } from '../../domain/errors.ts'
import type { ConnectionSettings } from './settings.ts'
import { describeTarget } from './settings.ts'

/** The parameters that a server reports when a session starts. Servers before version 14 do not report all of them. */
export type ServerParameters = ReadonlyMap<string, string>

/**
 * The problem if a session is not of the kind that target_session_attrs requires, otherwise undefined.
 * Source: PostgreSQL documentation, "target_session_attrs".
 */
export async function sessionProblem(
  settings: ConnectionSettings,
  parameters: ServerParameters,
  client: pg.Client,
): Promise<UnavailableError | undefined> {
  const wanted = settings.targetSession
  const rule = RULES[wanted]
  if (!rule) return undefined
  const isStandby = rule.ask === 'standby' ? await readStandby(parameters, client) : false
  const isReadOnly = rule.ask === 'read-only' ? await readOnly(parameters, client) : false
  if ((isStandby || isReadOnly) === rule.expected) return undefined
  return new UnavailableError('no', `Postgres at ${describeTarget(settings)} ${rule.problem}.`, {
    hint: `target_session_attrs is ${wanted}. Set database.url to a server of that kind, or change target_session_attrs.`,
  })
}

interface SessionRule {
  readonly ask: 'standby' | 'read-only'
  readonly expected: boolean
  readonly problem: string
}

// `any` needs no check, and neither does `prefer-standby` with one host.
const RULES: Readonly<Record<string, SessionRule>> = {
  'read-write': { ask: 'read-only', expected: false, problem: 'accepts only read-only sessions' },
  'read-only': { ask: 'read-only', expected: true, problem: 'accepts writes' },
  primary: { ask: 'standby', expected: false, problem: 'is a standby' },
  standby: { ask: 'standby', expected: true, problem: 'is not a standby' },
}

async function readStandby(parameters: ServerParameters, client: pg.Client): Promise<boolean> {
  const known = parameters.get('in_hot_standby')
  if (known !== undefined) return known === 'on'
  const { rows } = await client.query('SELECT pg_catalog.pg_is_in_recovery() AS standby')
  return rows[0]?.standby === true
}

async function readOnly(parameters: ServerParameters, client: pg.Client): Promise<boolean> {
  const standby = parameters.get('in_hot_standby')
  const byDefault = parameters.get('default_transaction_read_only')
  if (standby !== undefined && byDefault !== undefined) return standby === 'on' || byDefault === 'on'
  const { rows } = await client.query('SHOW transaction_read_only')
  return rows[0]?.transaction_read_only === 'on'
}
