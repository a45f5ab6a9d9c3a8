import { type Kysely, sql } from 'kysely'
import type { Caller, Role } from '../ports/caller.ts'
import type { ListedMember, Member, Members } from '../ports/members.ts'
import { changeMembership } from './change-member.ts'
import type { Database } from './schema/tables.ts'
import { type Authorization, authorizationColumn, authorize, denialOf } from './sql/authorize.ts'
import { exactlyOne } from './sql/exactly-one.ts'
import { explainDenial } from './sql/explain-denial.ts'

/** The members in Postgres. `client`: host and version of this process, for the audit trail. */
export function postgresMembers(db: Kysely<Database>, client: string): Members {
  return {
    whoami: caller => whoami(db, caller),
    list: caller => list(db, caller),
    change: (caller, change, { force }) =>
      explainDenial(db, { caller, client, action: `member ${change.kind}` }, () =>
        changeMembership(db, client, { caller, change, force }),
      ),
  }
}

interface Found {
  authorization: Authorization
  user: Member['user'] | null
  organization: Member['organization']
  role: Role
}

async function whoami(db: Kysely<Database>, caller: Caller): ReturnType<Members['whoami']> {
  const {
    authorization: found,
    user,
    ...where
  } = exactlyOne(
    await sql<Found>`/* dsctl whoami */ with ${authorize(caller)}
    select ${authorizationColumn},
      (select json_build_object('id', c.id, 'email', c.email, 'name', c.name)
        from callers c join permitted p on p.user_id = c.id) as "user",
      (select json_build_object('id', organization_id, 'name', organization) from permitted) as organization,
      (select role from permitted) as role`.execute(db),
  )
  const refused = denialOf(found)
  if (refused) return refused
  if (user === null) throw new Error('The caller is permitted, but the statement returned no user.')
  return { kind: 'found', member: { user, ...where } }
}

async function list(db: Kysely<Database>, caller: Caller): ReturnType<Members['list']> {
  const row = exactlyOne(
    await sql<{ authorization: Authorization; members: ListedMember[] }>`/* dsctl member list */ with
    ${authorize(caller)}
    select ${authorizationColumn}, (select coalesce(json_agg(m), '[]') from (
      select u.id, u.email, u.name, m.role, m.status
      from users_to_organizations m join users u on u.id = m.user_id
      where m.organization_id = (select organization_id from permitted) and m.deleted_at is null
      order by u.email, u.id) m) as members`.execute(db),
  )
  return denialOf(row.authorization) ?? { kind: 'listed', members: row.members.map(toListed) }
}

function toListed({ id, email, name, role, status }: ListedMember): ListedMember {
  return { id, email, name, role, status }
}
