import { type RawBuilder, sql } from 'kysely'
import type { Caller, Denied, Role, RowSecurity } from '../../ports/caller.ts'

/** The value of `authorizationColumn`. */
export interface Authorization {
  readonly email: string
  readonly users: number
  readonly organizations: readonly string[]
  readonly chosen: number
  readonly role: Role | null
  /** The roles that permit the operation. */
  readonly required: readonly Role[]
  readonly permitted: boolean
  /** Null if permitted. */
  readonly row_security: RowSecurity | null
}

/**
 * The CTEs at the start of every statement. `callers`: the users with the caller's address. `memberships`: their active
 * memberships. `chosen`: those of the requested organization. `permitted`: one row if the caller has a permitted role,
 * otherwise none; the rest of the statement selects from it.
 */
export function authorize(caller: Caller): RawBuilder<unknown> {
  return sql`
    request as (select ${caller.email}::text as email, ${caller.roles}::text[] as roles),
    callers as (${usersByEmail(caller.email)}),
    memberships as (
      select o.id as organization_id, o.name as organization, m.role, u.id as user_id, u.email
      from callers u
      join users_to_organizations m on m.user_id = u.id and m.status = 'active' and m.deleted_at is null
      join organizations o on o.id = m.organization_id and o.deleted_at is null
      where (select count(*) from callers) = 1),
    chosen as (select * from memberships where ${isChosen(caller.organization)}),
    permitted as (
      select * from chosen where (select count(*) from chosen) = 1 and role::text = any(${caller.roles}::text[]))`
}

/**
 * The id of the organization in which the caller is permitted, or null. A scalar subquery rather than a join, so that
 * Postgres uses the index on name and organization, and does not read that name in every organization.
 */
export const callerOrganization = sql<string | null>`(select organization_id from permitted)`

/** The tables that `authorize` reads. */
const LOOKED_UP = ['users', 'users_to_organizations', 'organizations']

/** The column `authorization`, from which `denialOf` explains a denial. */
export const authorizationColumn = sql<Authorization>`json_build_object(
    'email', (select email from request),
    'users', (select count(*) from callers),
    'organizations', (select coalesce(json_agg(organization order by organization), '[]') from memberships),
    'chosen', (select count(*) from chosen),
    'role', (select role from chosen limit 1),
    'required', (select roles from request),
    'row_security', case when not exists (select from permitted) then ${rowSecurityOf(LOOKED_UP)} end,
    'permitted', exists (select from permitted)) as authorization`

/** Why the caller was denied; undefined if permitted. */
export function denialOf(found: Authorization): Denied | undefined {
  if (found.permitted) return undefined
  return {
    kind: 'denied',
    email: found.email,
    reason: denialReason(found),
    organizations: found.organizations,
    role: found.role ?? undefined,
    ...(found.row_security?.tables.length && { rowSecurity: found.row_security }),
    required: found.required,
  }
}

function denialReason({ users, organizations, chosen }: Authorization): Denied['reason'] {
  if (users === 0) return 'unknown user'
  if (users > 1) return 'ambiguous user'
  if (organizations.length === 0) return 'no membership'
  if (chosen === 0) return 'no such organization'
  return chosen > 1 ? 'several organizations' : 'role'
}

/**
 * The users with this address: exact matches or, if there are none, matches ignoring ASCII case. Collation "C" folds
 * ASCII letters only, so that no look-alike character matches.
 */
export function usersByEmail(email: string): RawBuilder<unknown> {
  const exact = sql`select id, email, name from users where email = ${email}`
  if (!/^[\x20-\x7e]+$/.test(email)) return exact
  return sql`${exact} union all
      select id, email, name from users
      where not exists (${exact}) and lower(email collate "C") = lower(${email}::text collate "C")`
}

function isChosen(organization: string | undefined): RawBuilder<unknown> {
  if (organization === undefined) return sql`true`
  return sql`organization = ${organization} or organization_id::text = ${organization.toLowerCase()}`
}

/** Which of these tables row-level security is active on, for the current role: a RowSecurity as JSON. */
export function rowSecurityOf(tables: readonly string[]): RawBuilder<RowSecurity> {
  const names = sql.join(tables.map(table => sql.lit(table)))
  return sql`(select json_build_object('role', current_user, 'tables', coalesce(json_agg(t), '[]'))
      from unnest(array[${names}]) t where row_security_active(t))`
}
