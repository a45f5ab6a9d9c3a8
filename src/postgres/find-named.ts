import { type Kysely, sql } from 'kysely'
import type { NameInEnv } from '../data-source.ts'
import type { Caller } from '../ports/caller.ts'
import type { Attempt, Records } from '../ports/records.ts'
import { all } from './asked.ts'
import { ifDenied, tellingIfItCan } from './audit.ts'
import { type Authorization, authorization, authorized, denied, theirs } from './authorize.ts'
import { namesakes, type RecordJson, recordsIn, toDataSource } from './record.ts'
import { only } from './row.ts'
import type { Database } from './schema.ts'

interface Found {
  authorization: Authorization
  records: RecordJson[]
  unsettled: string[]
  at: string
}

/** The live records that have any of these names in one statement. */
export async function findNamed(
  db: Kysely<Database>,
  client: string,
  { caller, names, attempt }: { caller: Caller; names: readonly NameInEnv[]; attempt: Attempt | undefined },
): ReturnType<Records['findNamed']> {
  const { answer } = await tellingIfItCan(ifDenied(attempt, caller, client), told =>
    sql<Found>`/* dsctl find names */ with
    ${authorized(caller)},
    wanted as (
      select distinct * from unnest(${names.map(({ name }) => name)}::text[], ${names.map(({ env }) => env)}::text[])
        as w (name, env)),
    ${namesakes(theirs, sql`${names.map(({ name }) => name)}::text[]`)},
    found as materialized (select d.* from namesakes d join wanted w on d.name = w.name and d.env = w.env)
    ${told}
    select ${authorization}, ${recordsIn('found')} as records,
      (select coalesce(json_agg(i.data_source_id), '[]') from dsctl.pending_operations i
        where i.state <> 'closed' and i.data_source_id = any(${all('id', 'found')})) as unsettled,
      now()::text as at`.execute(db),
  )
  const row = only(answer)
  return (
    denied(row.authorization) ?? {
      kind: 'found',
      records: row.records.map(toDataSource),
      unsettled: row.unsettled,
      at: row.at,
    }
  )
}

/** Whose credentials, read since then, may yet be taken back or have been. */
export async function unsettledSince(
  db: Kysely<Database>,
  ids: readonly string[],
  at: string,
): ReturnType<Records['unsettledSince']> {
  const { found } = only(
    await sql<{ found: string[] }>`/* dsctl look for what is unsettled */ select array(
      select data_source_id::text from dsctl.pending_operations
      where state <> 'closed' and data_source_id = any(${ids}::uuid[])
      union
      select data_source_id::text from dsctl.pending_operations
      where state = 'closed' and outcome <> 'done' and closed_at >= ${at}::timestamptz
        and data_source_id = any(${ids}::uuid[])) as found`.execute(db),
  )
  return found
}
