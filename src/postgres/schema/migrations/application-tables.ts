import { type Kysely, sql } from 'kysely'

/** Creates the application's tables in an empty database, with the same names, types and labels as the application. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createEnum(db, 'user_organization_role_enum', [
    ...['workspace_admin', 'data_admin', 'querier', 'restricted_querier', 'viewer'],
  ])
  await createEnum(db, 'user_organization_status_enum', ['active', 'inactive', 'pending', 'guest'])
  await createEnum(db, 'data_source_onboarding_status_enum', ['notStarted', 'inProgress', 'completed', 'failed'])
  await sql`create table organizations (
    id uuid primary key default gen_random_uuid(),
    name text not null unique,
    domain text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz)`.execute(db)
  await sql`create table users (
    id uuid primary key default gen_random_uuid(),
    email text not null unique,
    name text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now())`.execute(db)
  await sql`create table users_to_organizations (
    user_id uuid not null references users,
    organization_id uuid not null references organizations,
    role user_organization_role_enum not null,
    status user_organization_status_enum not null default 'active',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    created_by uuid references users,
    updated_by uuid references users,
    primary key (user_id, organization_id))`.execute(db)
  await createDataSources(db)
}

async function createDataSources(db: Kysely<unknown>): Promise<void> {
  await sql`create table data_sources (
    id uuid primary key,
    name text not null,
    type text not null,
    secret_id uuid not null,
    onboarding_status data_source_onboarding_status_enum not null default 'notStarted',
    onboarding_error text,
    organization_id uuid not null references organizations,
    created_by uuid references users,
    updated_by uuid references users,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    env varchar not null default 'dev')`.execute(db)
  await sql`create unique index data_sources_live_name on data_sources (name, organization_id, env)
    where deleted_at is null`.execute(db)
  await sql`create index data_sources_list on data_sources (organization_id, updated_at desc, id)
    where deleted_at is null`.execute(db)
  await sql`create table datasets (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    data_source_id uuid not null references data_sources,
    organization_id uuid not null references organizations,
    deleted_at timestamptz)`.execute(db)
  await sql`create index datasets_data_source on datasets (data_source_id)`.execute(db)
}

async function createEnum(db: Kysely<unknown>, name: string, labels: readonly string[]): Promise<void> {
  await sql`create type ${sql.ref(name)} as enum (${sql.join(labels.map(label => sql.lit(label)))})`.execute(db)
}
