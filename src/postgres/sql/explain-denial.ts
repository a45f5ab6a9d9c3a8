import { type Kysely, sql } from 'kysely'
import type { Caller, Denied } from '../../ports/caller.ts'
import { WriteRefused } from '../connection/failure.ts'
import type { Database } from '../schema/tables.ts'
import { type CallersEvent, ifDenied, tellingIfItCan } from './audit-insert.ts'
import { type Authorization, authorization, authorized, denied } from './authorize.ts'
import { only } from './exactly-one.ts'

interface Asking {
  readonly caller: Caller
  readonly client: string
  /** The action that the audit trail names, or its event; undefined for a look that is for nothing that is audited. */
  readonly attempt: string | Pick<CallersEvent, 'eventId' | 'action'> | undefined
}

/**
 * Runs a statement of the caller's. Where the role in Postgres lacks a privilege for it, and the caller may not do this
 * anyway, the answer is that: a GRANT would be of no use to them. Only then is another statement sent.
 */
export async function unlessDenied<A>(
  db: Kysely<Database>,
  { caller, client, attempt }: Asking,
  run: () => Promise<A>,
): Promise<A | Denied> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof WriteRefused) || error.code !== 'forbidden') throw error
    const event = typeof attempt === 'string' ? { eventId: crypto.randomUUID(), action: attempt } : attempt
    const looked = await tellingIfItCan(ifDenied(event, caller, client), told =>
      sql<{ authorization: Authorization }>`/* dsctl why it was refused */ with ${authorized(caller)}
    ${told}
    select ${authorization}`.execute(db),
    ).catch(() => undefined)
    const no = looked && denied(only(looked.answer).authorization)
    if (no) return no
    throw error
  }
}
