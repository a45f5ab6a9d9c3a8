import { type Kysely, sql } from 'kysely'

/** Creates the tables in schema dsctl: intents, audit trail, templates. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createIntents(db)
  await createAuditEvents(db)
  await sql`create table dsctl.templates (
    organization_id uuid not null,
    name text not null,
    type text not null,
    fields jsonb not null,
    created_by uuid,
    updated_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (organization_id, name))`.execute(db)
}

async function createIntents(db: Kysely<unknown>): Promise<void> {
  await sql`create table dsctl.pending_operations (
    id uuid primary key,
    kind text not null check (kind in ('create', 'update', 'delete')),
    state text not null check (state in ('open', 'undoing', 'closed')),
    outcome text check (outcome in ('done', 'none', 'unknown')),
    data_source_id uuid not null,
    secret_id uuid not null,
    organization_id uuid not null,
    old_name text,
    old_env text,
    new_name text,
    new_env text,
    fields text[] not null default '{}',
    base_version integer,
    actor_id uuid not null,
    actor_email text not null,
    actor_source text not null,
    client text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    closed_at timestamptz,
    check ((state = 'closed') = (outcome is not null)))`.execute(db)
  await sql`create unique index pending_operations_source on dsctl.pending_operations (data_source_id)
    where state <> 'closed'`.execute(db)
  await sql`create unique index pending_operations_name on dsctl.pending_operations
    (organization_id, new_env, new_name) where state <> 'closed'`.execute(db)
  await sql`create index pending_operations_closed on dsctl.pending_operations (closed_at)
    where state = 'closed'`.execute(db)
}

async function createAuditEvents(db: Kysely<unknown>): Promise<void> {
  await sql`create table dsctl.audit_events (
    id uuid primary key,
    at timestamptz not null default now(),
    organization_id uuid,
    actor_id uuid,
    actor_email text not null,
    actor_source text not null,
    action text not null,
    data_source_id uuid,
    data_source_name text,
    outcome text not null check (outcome in ('done', 'denied', 'failed', 'unknown')),
    fields text[] not null default '{}',
    before jsonb,
    after jsonb,
    client text not null,
    settled_by text)`.execute(db)
  await sql`create index audit_events_at on dsctl.audit_events (organization_id, at desc, id)`.execute(db)
  await sql`create index audit_events_source on dsctl.audit_events (data_source_id, at desc)`.execute(db)
  await makeAppendOnly(db)
}

// DELETE is permitted only in a transaction of `audit prune`, which sets dsctl.audit_prune. UPDATE and TRUNCATE never
// are.
async function makeAppendOnly(db: Kysely<unknown>): Promise<void> {
  await sql`create function dsctl.audit_events_append_only() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' and current_setting('dsctl.audit_prune', true) = 'on' then
        return old;
      end if;
      raise exception 'dsctl.audit_events is append-only: % is refused', tg_op using errcode = '42501';
    end $$`.execute(db)
  await sql`create trigger append_only before update or delete on dsctl.audit_events
    for each row execute function dsctl.audit_events_append_only()`.execute(db)
  await sql`create trigger append_only_truncate before truncate on dsctl.audit_events
    for each statement execute function dsctl.audit_events_append_only()`.execute(db)
}
