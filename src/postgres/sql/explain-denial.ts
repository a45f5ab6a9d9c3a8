import { type Kysely, sql } from 'kysely'
import type { Caller, Denied } from '../../ports/caller.ts'
import { WriteRefused } from '../connection/failure.ts'
import type { Database } from '../schema/tables.ts'
import { auditIfWritable, type CallerEvent, deniedEvents } from './audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, denialOf } from './authorize.ts'
import { exactlyOne } from './exactly-one.ts'

interface Asking {
  readonly caller: Caller
  readonly client: string
  /** The action that the audit trail names, or its event; undefined for a look that is for nothing that is audited. */
  readonly attempt: string | Pick<CallerEvent, 'eventId' | 'action'> | undefined
}

/**
 * Runs a statement of the caller's. Where the role in Postgres lacks a privilege for it, and the caller may not do this
 * anyway, the answer is that: a GRANT would be of no use to them. Only then is another statement sent.
 */
export async function explainDenial<A>(
  db: Kysely<Database>,
  { caller, client, attempt }: Asking,
  run: () => Promise<A>,
): Promise<A | Denied> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof WriteRefused) || error.code !== 'forbidden') throw error
    const event = typeof attempt === 'string' ? { eventId: crypto.randomUUID(), action: attempt } : attempt
    const looked = await auditIfWritable(deniedEvents(event, caller, client), told =>
      sql<{ authorization: Authorization }>`/* dsctl why it was refused */ with ${authorize(caller)}
    ${told}
    select ${authorizationColumn}`.execute(db),
    ).catch(() => undefined)
    const no = looked && denialOf(exactlyOne(looked.answer).authorization)
    if (no) return no
    throw error
  }
}
