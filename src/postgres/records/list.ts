import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Caller } from '../../ports/caller.ts'
import type { LookupAudit } from '../../ports/lookup.ts'
import type { ListFilter, ListQuery, LocatedDataSource, Records } from '../../ports/records.ts'
import type { Database } from '../schema/tables.ts'
import { auditIfWritable, deniedEvents } from '../sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, callerOrganization, denialOf } from '../sql/authorize.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { type Page, paginate } from '../sql/paginate.ts'
import { toIsoTime } from '../sql/record-columns.ts'
import { spellingsOf } from '../sql/spellings.ts'

interface ItemJson {
  id: string
  secret_id: string
  organization_id: string
  name: string
  type: string
  env: string
  onboarding_status: never
  updated_at: string | null
}

interface Listed {
  authorization: Authorization
  items: ItemJson[]
}

/** One page of the live records, the last updated first. */
export async function list(
  db: Kysely<Database>,
  client: string,
  { caller, query, audit }: { caller: Caller; query: ListQuery; audit: LookupAudit | undefined },
): ReturnType<Records['list']> {
  const { page, pageSize } = query
  const rows = sql`${firstRows(query)} limit ${pageSize + 1} offset ${page * pageSize}`
  const { answer: listed } = await auditIfWritable(deniedEvents(audit, caller, client), auditCtes =>
    read(db, { caller, rows, auditCtes }),
  )
  if ('kind' in listed) return listed
  const items = listed.slice(0, pageSize).map(item => {
    const { secretId, organizationId, ...shown } = toLocated(item)
    return shown
  })
  return { kind: 'page', items, more: listed.length > pageSize }
}

const PAGE_SIZE = 500

/** All live records, the last updated first, from one snapshot. */
export function listAll(
  db: Kysely<Database>,
  { caller, filter, onPage }: { caller: Caller; filter: ListFilter; onPage: Parameters<Records['listAll']>[2] },
): ReturnType<Records['listAll']> {
  const readPage = async (snapshot: Kysely<Database>, after: ItemJson | undefined) => {
    const rows = after ? rowsAfter(filter, after) : sql`${firstRows(filter)} limit ${PAGE_SIZE + 1}`
    const listed = await read(snapshot, { caller, rows, auditCtes: sql`` })
    return 'kind' in listed
      ? listed
      : ({ rows: listed.slice(0, PAGE_SIZE), more: listed.length > PAGE_SIZE } satisfies Page<ItemJson>)
  }
  return paginate(db, readPage, page => onPage(page.map(toLocated)))
}

async function read(
  db: Kysely<Database>,
  { caller, rows, auditCtes }: { caller: Caller; rows: RawBuilder<unknown>; auditCtes: RawBuilder<unknown> },
) {
  const row = exactlyOne(
    await sql<Listed>`/* dsctl list */ with ${authorize(caller)}
    ${auditCtes}
    select ${authorizationColumn}, (select coalesce(json_agg(d), '[]') from (${rows}) d) as items`.execute(db),
  )
  return denialOf(row.authorization) ?? row.items
}

/** The envs of the live records, sorted. */
export async function listEnvs(db: Kysely<Database>, caller: Caller): ReturnType<Records['listEnvs']> {
  const row = exactlyOne(
    await sql<{ authorization: Authorization; envs: string[] }>`/* dsctl list envs */ with ${authorize(caller)}
    select ${authorizationColumn}, (select coalesce(json_agg(env), '[]') from (select distinct env from data_sources
      where organization_id = ${callerOrganization} and deleted_at is null) d) as envs`.execute(db),
  )
  return denialOf(row.authorization) ?? { kind: 'envs', envs: [...row.envs].sort() }
}

const columns = sql`id, secret_id, organization_id, name, type, env, onboarding_status, updated_at`

// The planner does not know the organization, and assumes one of average size: it would read all records of a large one
// and sort them. With two bounds instead of an equality it estimates more rows, and reads the index in order.
function firstRows(filter: ListFilter): RawBuilder<unknown> {
  return sql`select ${columns} from data_sources
      where (organization_id, id) >= (${callerOrganization}, '00000000-0000-0000-0000-000000000000'::uuid)
        and organization_id <= ${callerOrganization} and deleted_at is null and ${matching(filter)}
      order by organization_id, updated_at desc, id`
}

// The time is compared as the text from Postgres, because a Date would lose the microseconds. The two halves of the
// union each start at the right place in the index, even if many records have the same time. Null times, which an
// application's table may permit, sort first.
function rowsAfter(filter: ListFilter, { updated_at, id, organization_id }: ItemJson): RawBuilder<unknown> {
  const rest = (where: RawBuilder<unknown>) => sql`(select ${columns} from data_sources
        where organization_id = ${organization_id}::uuid and ${organization_id}::uuid = ${callerOrganization}
          and deleted_at is null and ${matching(filter)} and ${where}
        order by updated_at desc, id limit ${PAGE_SIZE + 1})`
  const [same, later] =
    updated_at === null
      ? [sql`updated_at is null`, sql`updated_at is not null`]
      : [sql`updated_at = ${updated_at}::timestamptz`, sql`updated_at < ${updated_at}::timestamptz`]
  return sql`select * from (
      ${rest(sql`${same} and id > ${id}::uuid`)} union all ${rest(later)}) d
      order by updated_at desc, id limit ${PAGE_SIZE + 1}`
}

function toLocated({
  onboarding_status,
  updated_at,
  secret_id,
  organization_id,
  ...item
}: ItemJson): LocatedDataSource {
  return {
    ...{ ...item, secretId: secret_id, organizationId: organization_id },
    ...{ onboardingStatus: onboarding_status, updatedAt: toIsoTime(updated_at ?? 0) },
  }
}

/** Whether the name contains a text, in upper or lower case and in any of its spellings. */
function contains(text: string): RawBuilder<unknown> {
  const found = spellingsOf(text).map(spelling => sql`position(lower(${spelling}::text) in lower(name)) > 0`)
  return sql`(${sql.join(found, sql` or `)})`
}

function matching({ types, envs, statuses, search }: ListFilter): RawBuilder<unknown> {
  const conditions = [
    ...oneOf(sql`type::text`, types),
    ...oneOf(sql`env`, envs),
    ...oneOf(sql`onboarding_status::text`, statuses),
  ]
  if (search !== undefined) conditions.push(contains(search))
  return conditions.length ? sql.join(conditions, sql` and `) : sql`true`
}

function oneOf(column: RawBuilder<unknown>, values: readonly string[]): RawBuilder<unknown>[] {
  return values.length ? [sql`${column} in (${sql.join(values)})`] : []
}
