import { type Kysely, type MigrationProvider, Migrator, sql } from 'kysely'
import { invalid } from '../../domain/errors.ts'
import type { Role } from '../../ports/caller.ts'
import type { DatabaseSetup, DatabaseState, FirstOrganization } from '../../ports/setup.ts'
import { rowSecurityOf, usersByEmail } from '../sql/authorize.ts'
import { exactlyOne } from '../sql/exactly-one.ts'
import { inspectTables } from './inspect-tables.ts'
import * as applicationTables from './migrations/application-tables.ts'
import * as dsctlTables from './migrations/dsctl-tables.ts'
import type { Database } from './tables.ts'

/** Inspects and sets up the database. */
export function postgresSetup(db: Kysely<Database>): DatabaseSetup {
  return {
    inspect: (requested = {}) => inspect(db, requested),
    prepare: status => prepare(db, status),
    addFirst: first => addFirst(db, first),
  }
}

async function inspect(
  db: Kysely<Database>,
  { organization, email }: Partial<FirstOrganization>,
): Promise<DatabaseState> {
  const tables = await inspectTables(db)
  if (tables.kind === 'different') {
    throw invalid(
      'The database has tables that do not match the application’s. Nothing was changed.',
      tables.differences.map(message => ({ field: 'database', message })),
      'Set database.url to an empty database, or to the application’s database.',
    )
  }
  if (tables.kind === 'empty') return { status: 'empty', organizations: 0, organizationExists: false, role: undefined }
  const executed = await executedMigrations(db)
  const done = Object.keys(MIGRATIONS).every(name => executed.includes(name))
  const role = email === undefined ? undefined : await roleOf(db, email, organization)
  return { status: done ? 'ready' : 'adoptable', ...(await countOrganizations(db, organization)), role }
}

async function prepare(db: Kysely<Database>, status: DatabaseState['status']): Promise<boolean> {
  if (status === 'ready') return false
  const createAll = status === 'empty' || (await executedMigrations(db)).includes('0000_application_tables')
  const { error, results = [] } = await migrator(db, { createAll }).migrateToLatest()
  if (error) throw error
  return results.length > 0
}

async function addFirst(
  db: Kysely<Database>,
  { organization, email, name }: { organization: string; email: string; name: string | undefined },
): Promise<'added' | 'exists'> {
  const reading = db.transaction().setIsolationLevel('read committed') // sees what was done while it waits for the lock
  return reading.execute(async transaction => {
    // Two concurrent statements would both find no organization, and an application's table may permit duplicate names.
    await sql`select pg_advisory_xact_lock(hashtext('dsctl'), hashtext('first organization'))`.execute(transaction)
    const row = exactlyOne(
      await sql<{ added: boolean }>`/* dsctl add the first organization */ with
    organization as (
      insert into organizations (id, name, created_at, updated_at)
      select gen_random_uuid(), ${organization}, now(), now() where not exists (select from organizations)
      returning id),
    known as (select id from users where email = ${email}),
    added as (
      insert into users (id, email, name, created_at, updated_at)
      select gen_random_uuid(), ${email}, ${name ?? null}::text, now(), now() from organization
      where not exists (select from known)
      returning id),
    member as (
      insert into users_to_organizations (user_id, organization_id, role, status, created_at, updated_at)
      select u.id, o.id, 'workspace_admin', 'active', now(), now()
      from organization o, (select id from known union all select id from added) u
      returning user_id)
    select exists (select from member) as added`.execute(transaction),
    )
    return row.added ? 'added' : 'exists'
  })
}

async function executedMigrations(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ made: boolean }>`select to_regclass('dsctl.migrations') is not null as made`.execute(db)
  if (!rows[0]?.made) return []
  return (await sql<{ name: string }>`select name from dsctl.migrations`.execute(db)).rows.map(({ name }) => name)
}

async function countOrganizations(db: Kysely<Database>, organization = '') {
  const { rows } = await sql<
    Pick<DatabaseState, 'organizations' | 'organizationExists' | 'rowSecurity'>
  >`/* dsctl count the organizations */
    select count(*)::int as organizations,
      coalesce(bool_or(name = ${organization} or id::text = lower(${organization}::text)), false) as "organizationExists",
      ${rowSecurityOf(['organizations', 'users', 'users_to_organizations', 'data_sources', 'datasets'])} as "rowSecurity"
    from organizations`.execute(db)
  return exactlyOne({ rows })
}

/**
 * The role of an active member in the organization, or in any organization if none is given. If there are several
 * roles, workspace_admin is preferred.
 */
async function roleOf(
  db: Kysely<Database>,
  email: string,
  organization: string | undefined,
): Promise<Role | undefined> {
  const { rows } = await sql<{ role: Role }>`/* dsctl find the first admin */
    select m.role from (${usersByEmail(email)}) u
    join users_to_organizations m on m.user_id = u.id and m.status = 'active' and m.deleted_at is null
    join organizations o on o.id = m.organization_id and o.deleted_at is null
    where ${organization === undefined ? sql`true` : sql`o.name = ${organization} or o.id::text = lower(${organization}::text)`}
    order by m.role <> 'workspace_admin' limit 1`.execute(db)
  return rows[0]?.role
}

// Kysely runs migrations in alphabetical order. 0000_application_tables runs only in an empty database. `dsctl member`
// looks for its row in dsctl.migrations: without the row, an application owns the tables and manages the members.
const MIGRATIONS = { '0001_dsctl_tables': dsctlTables }
const APPLICATION_TABLES = { '0000_application_tables': applicationTables }

function migrator(db: Kysely<Database>, { createAll }: { createAll: boolean }): Migrator {
  const migrations = createAll ? { ...APPLICATION_TABLES, ...MIGRATIONS } : MIGRATIONS
  const provider: MigrationProvider = { getMigrations: async () => migrations }
  return new Migrator({
    db,
    provider,
    migrationTableSchema: 'dsctl',
    migrationTableName: 'migrations',
    migrationLockTableName: 'migration_lock',
  })
}
