import { type Kysely, sql } from 'kysely'
import type { NameAndEnv } from '../../domain/data-source.ts'
import type { Caller } from '../../ports/caller.ts'
import type { LookupAudit } from '../../ports/lookup.ts'
import type { NamedRecord, Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { acceptedTypes } from '../sql/accepted-types.ts'
import { auditIfWritable, deniedEvents } from '../sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, callerOrganization, denialOf } from '../sql/authorize.ts'
import { batchInput, valuesOf } from '../sql/batch-input.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { namesakes } from '../sql/record-columns.ts'
import { spellingsOf } from '../sql/spellings.ts'

interface Found {
  authorization: Authorization
  records: NamedRecord[]
  unsettled: string[]
  at: string
  types: string[] | null
}

/** The live records with these names, in one statement. */
export async function findNamed(
  db: Kysely<Database>,
  client: string,
  { caller, names, audit }: { caller: Caller; names: readonly NameAndEnv[]; audit: LookupAudit | undefined },
): ReturnType<Records['findNamed']> {
  const spelled = names.map(({ name, env }) => ({ spellings: spellingsOf(name), env }))
  const { answer } = await auditIfWritable(deniedEvents(audit, caller, client), auditCtes =>
    sql<Found>`/* dsctl find names */ with
    ${authorize(caller)},
    ${batchInput(spelled, 'spellings text[], env text')},
    ${namesakes({
      organization: callerOrganization,
      names: sql`${spelled.flatMap(({ spellings }) => spellings)}::text[]`,
      inEnv: sql`select unnest(spellings), env from args`,
    })}
    ${auditCtes}
    select ${authorizationColumn}, (
        select coalesce(json_agg(json_build_object('id', id, 'secretId', secret_id, 'organizationId', organization_id,
          'name', name, 'type', type, 'env', env)), '[]') from namesakes) as records,
      (select coalesce(json_agg(i.data_source_id), '[]') from dsctl.pending_operations i
        where i.state <> 'closed' and i.data_source_id = any(${valuesOf('id', 'namesakes')})) as unsettled,
      ${NOW_AS_TEXT} as at, ${acceptedTypes} as types`.execute(db),
  )
  const { authorization: found, types, ...row } = exactlyOne(answer)
  return denialOf(found) ?? { kind: 'found', ...row, ...(types && { types }) }
}

// The time as JSON writes it. A cast to text would depend on the setting DateStyle, and may not be parseable.
const NOW_AS_TEXT = sql<string>`to_json(now()) #>> '{}'`

/** Returns which of these data sources have an unclosed intent, or one that was closed since `at` but not as done. */
export async function unsettledSince(
  db: Kysely<Database>,
  ids: readonly string[],
  at: string,
): ReturnType<Records['unsettledSince']> {
  const { found } = exactlyOne(
    await sql<{ found: string[] }>`/* dsctl find unsettled */ select array(
      select data_source_id::text from dsctl.pending_operations
      where state <> 'closed' and data_source_id = any(${ids}::uuid[])
      union
      select data_source_id::text from dsctl.pending_operations
      where state = 'closed' and outcome <> 'done' and closed_at >= ${at}::timestamptz
        and data_source_id = any(${ids}::uuid[])) as found`.execute(db),
  )
  return found
}
