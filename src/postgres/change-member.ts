import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Caller, Denied } from '../ports/caller.ts'
import type { ListedMember, MemberChange, MemberRefusal, Members } from '../ports/members.ts'
import { UniqueViolation } from './connection/rule-failure.ts'
import type { Database } from './schema/tables.ts'
import { doneEvent, refusedEvent } from './sql/audit-insert.ts'
import { type Authorization, authorizationColumn, authorize, denialOf, usersByEmail } from './sql/authorize.ts'
import { exactlyOne } from './sql/exactly-one.ts'

interface ChangeRequest {
  change: MemberChange
  force: boolean
}

interface ChangeRow {
  authorization: Authorization
  acting: boolean
  own_tables: boolean
  targets: number
  last: boolean
  membership: ListedMember | null
  written: ListedMember | null
}

/**
 * Changes a member in one statement. It locks the organization's admins first, so that the second of two concurrent
 * changes sees the first. Two admins cannot remove each other, and an admin who was just removed cannot change members.
 */
export async function changeMembership(
  db: Kysely<Database>,
  client: string,
  { caller, change, force }: { caller: Caller; change: MemberChange; force: boolean },
): ReturnType<Members['change']> {
  const event = { eventId: crypto.randomUUID(), action: `member ${change.kind}`, caller, client }
  const recordsRemover = force && change.kind !== 'set-role' && (await hasDeletedBy(db))
  const statement = sql<ChangeRow>`/* dsctl member */ with ${authorize(caller)},
    own_tables as (select from dsctl.migrations where name = '0000_application_tables'),
    admins as materialized (
      select m.user_id from users_to_organizations m join permitted p using (organization_id)
      where m.role = 'workspace_admin' and m.status = 'active' and m.deleted_at is null
      order by m.user_id for update of m),
    acting as (select p.* from permitted p join admins a on a.user_id = p.user_id),
    allowed as (select * from acting where ${force} or exists (select from own_tables)),
    targets as (${usersByEmail(change.email)}),
    target as (select * from targets where (select count(*) from targets) = 1),
    membership as materialized (
      select t.id, t.email, t.name, m.role, m.status, m.organization_id
      from target t join users_to_organizations m on m.user_id = t.id join acting using (organization_id)
      where m.deleted_at is null for update of m),
    last_admin as (
      select from membership m join admins a on a.user_id = m.id where (select count(*) from admins) = 1),
    ${writtenBy(change, { recordsRemover })},
    audited as (${doneEvent({ ...event, from: sql`written w`, before: CURRENT_VALUES, after: requestedValues(change) })}),
    refused as (${refusedEvent(
      { ...event, before: CURRENT_VALUES, after: requestedValues(change) },
      sql`not exists (select from written) and not (${isUnchanged(change)})`,
      null,
    )})
    select ${authorizationColumn}, exists (select from acting) as acting, exists (select from own_tables) as own_tables,
      (select count(*) from targets)::int as targets, exists (select from last_admin) as last,
      ${memberIn('membership')} as membership, ${memberIn('written')} as written`
  try {
    return resultOf(exactlyOne(await statement.execute(db)), { change, force })
  } catch (error) {
    // A concurrent statement has added the same person.
    if (error instanceof UniqueViolation) return { kind: 'refused', reason: 'already a member' }
    throw error
  }
}

/** Whether the application records in a column of its own who has removed a member. */
async function hasDeletedBy(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql`/* dsctl member: columns */ select from pg_attribute
    where attrelid = 'users_to_organizations'::regclass and attname = 'deleted_by' and not attisdropped`.execute(db)
  return rows.length > 0
}

/** The CTE `written`: the member after the change; empty if the change was not made. */
function writtenBy(change: MemberChange, { recordsRemover }: { recordsRemover: boolean }): RawBuilder<unknown> {
  if (change.kind === 'add') return added(change, { recordsRemover })
  const isAdmin = change.kind === 'set-role' && change.role === 'workspace_admin'
  const removal = recordsRemover ? sql`deleted_at = now(), deleted_by = a.user_id` : sql`deleted_at = now()`
  const set = change.kind === 'remove' ? removal : sql`role = ${sql.lit(change.role)}`
  return sql`written as (
      update users_to_organizations m set ${set}, updated_at = now(), updated_by = a.user_id
      from membership x, allowed a
      where m.user_id = x.id and m.organization_id = x.organization_id and not (${isUnchanged(change)})
        and (${isAdmin} or not exists (select from last_admin))
      returning x.id, x.email, x.name, m.role, m.status)`
}

// A removed or inactive membership becomes active again.
function added(
  { email, name, role }: Extract<MemberChange, { kind: 'add' }>,
  { recordsRemover }: { recordsRemover: boolean },
): RawBuilder<unknown> {
  const unset = recordsRemover ? sql`deleted_at = null, deleted_by = null` : sql`deleted_at = null`
  return sql`new_user as (
      insert into users (id, email, name, created_at, updated_at)
      select gen_random_uuid(), ${email}, ${name ?? null}::text, now(), now() from allowed
      where not exists (select from targets)
      returning id, email, name),
    person as (select id, email, name from target union all select id, email, name from new_user),
    joined as (
      insert into users_to_organizations as m
        (user_id, organization_id, role, status, created_at, updated_at, created_by, updated_by)
      select person.id, a.organization_id, ${sql.lit(role)}, 'active', now(), now(), a.user_id, a.user_id
      from person, allowed a
      on conflict (user_id, organization_id) do update
        set role = excluded.role, status = 'active', ${unset}, updated_at = now(),
          updated_by = excluded.updated_by
        where m.deleted_at is not null or m.status <> 'active'
      returning user_id, role, status),
    written as (select p.id, p.email, p.name, j.role, j.status from joined j join person p on p.id = j.user_id)`
}

/** Whether the member already has the requested role. */
function isUnchanged(change: MemberChange): RawBuilder<boolean> {
  if (change.kind !== 'set-role') return sql`false`
  return sql`exists (select from membership where role::text = ${change.role})`
}

const CURRENT_VALUES = sql`(select jsonb_build_object('email', email, 'role', role) from membership)`

function requestedValues(change: MemberChange): RawBuilder<unknown> {
  return change.kind === 'remove'
    ? sql`jsonb_build_object('email', ${change.email}::text)`
    : sql`jsonb_build_object('email', ${change.email}::text, 'role', ${change.role}::text)`
}

function memberIn(table: string): RawBuilder<ListedMember | null> {
  return sql`(select json_build_object('id', id, 'email', email, 'name', name, 'role', role, 'status', status)
        from ${sql.table(table)})`
}

function resultOf(row: ChangeRow, { change, force }: ChangeRequest): Awaited<ReturnType<Members['change']>> {
  const denial =
    denialOf(row.authorization) ?? (row.acting ? undefined : { ...NO_LONGER_ADMIN, email: row.authorization.email })
  if (denial) return denial
  if (row.written) return { kind: 'done', member: row.written }
  const reason = refusalOf(row, { change, force })
  if (reason) return { kind: 'refused', reason }
  if (row.membership === null) throw new Error('The change of a member was neither made nor refused.')
  return { kind: 'unchanged', member: row.membership }
}

function refusalOf(row: ChangeRow, { change, force }: ChangeRequest): MemberRefusal | undefined {
  if (!row.own_tables && !force) return 'managed by application'
  if (row.targets > 1) return 'ambiguous'
  if (change.kind === 'add') return 'already a member'
  if (row.membership === null) return 'not a member'
  if (change.kind === 'set-role' && change.role === row.membership.role) return undefined
  return row.last ? 'last admin' : 'not a member'
}

const NO_LONGER_ADMIN: Omit<Denied, 'email'> = {
  kind: 'denied',
  reason: 'role',
  organizations: [],
  role: undefined,
  required: ['workspace_admin'],
}
