import { type Kysely, sql } from 'kysely'
import type { Caller, Denied } from '../../ports/caller.ts'
import { WriteRefused } from '../connection/rule-failure.ts'
import type { Database } from '../schema/tables.ts'
import { auditIfWritable, type CallerEvent, deniedEvents } from './audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, denialOf } from './authorize.ts'
import { exactlyOne } from './exactly-one.ts'

interface ExplainOptions {
  readonly caller: Caller
  readonly client: string
  /** The audited action, or its event; undefined if the statement is not audited. */
  readonly action: string | Pick<CallerEvent, 'eventId' | 'action'> | undefined
}

/**
 * Runs a statement. If the database role lacks a privilege for it, sends a second statement to check whether the caller
 * is permitted at all. If not, returns that denial, because a hint to GRANT the privilege would not help.
 */
export async function explainDenial<A>(
  db: Kysely<Database>,
  { caller, client, action }: ExplainOptions,
  run: () => Promise<A>,
): Promise<A | Denied> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof WriteRefused) || error.code !== 'forbidden') throw error
    const event = typeof action === 'string' ? { eventId: crypto.randomUUID(), action } : action
    const checked = await auditIfWritable(deniedEvents(event, caller, client), auditCtes =>
      sql<{ authorization: Authorization }>`/* dsctl explain denial */ with ${authorize(caller)}
    ${auditCtes}
    select ${authorizationColumn}`.execute(db),
    ).catch(() => undefined)
    const denial = checked && denialOf(exactlyOne(checked.answer).authorization)
    if (denial) return denial
    throw error
  }
}
