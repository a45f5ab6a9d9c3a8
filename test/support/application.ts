import { randomUUID } from 'node:crypto'
import { dsctl, type RunOptions, type RunResult, type Spawned, spawnDsctl, temporaryFolder } from './run.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from './servers.ts'
import { adminPolicy } from './site.ts'
import type { ScratchVault } from './vault.ts'

/** A site whose tables were created by an application, with an organization `Acme` and an admin without a name. */
export interface ApplicationSite {
  readonly database: ScratchDatabase
  readonly vault: ScratchVault
  readonly organizationId: string
  readonly adminId: string
  readonly env: Readonly<Record<string, string>>
  readonly home: string
  dsctl(args: readonly string[], options?: RunOptions): Promise<RunResult>
  /** The same in a process of its own. */
  spawnDsctl(args: readonly string[], options?: RunOptions): Spawned
  /** `dsctl init`, with the root token, as the superuser. */
  init(args?: readonly string[]): Promise<RunResult>
  drop(): Promise<void>
}

/** Tables as an application's migrations create them: extra tables and columns, a plain UNIQUE constraint, a trigger. */
export const APPLICATION = `
  CREATE TYPE user_organization_role_enum AS ENUM
    ('workspace_admin', 'data_admin', 'querier', 'restricted_querier', 'viewer');
  CREATE TYPE user_organization_status_enum AS ENUM ('active', 'inactive', 'pending', 'guest');
  CREATE TYPE data_source_onboarding_status_enum AS ENUM ('notStarted', 'inProgress', 'completed', 'failed');
  CREATE TABLE plans (id serial PRIMARY KEY, name text NOT NULL);
  INSERT INTO plans (name) VALUES ('enterprise');
  CREATE TABLE organizations (
    id uuid PRIMARY KEY, name varchar NOT NULL UNIQUE, domain varchar, plan_id int NOT NULL REFERENCES plans,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz);
  CREATE TABLE users (
    id uuid PRIMARY KEY, email varchar NOT NULL UNIQUE, name varchar, auth_subject varchar NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE users_to_organizations (
    user_id uuid NOT NULL REFERENCES users, organization_id uuid NOT NULL REFERENCES organizations,
    role user_organization_role_enum NOT NULL, status user_organization_status_enum NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz, created_by uuid, updated_by uuid, PRIMARY KEY (organization_id, user_id));
  CREATE TABLE data_sources (
    id uuid PRIMARY KEY, name varchar NOT NULL, type varchar NOT NULL, secret_id uuid NOT NULL,
    onboarding_status data_source_onboarding_status_enum NOT NULL DEFAULT 'notStarted', onboarding_error text,
    organization_id uuid NOT NULL REFERENCES organizations, created_by uuid NOT NULL REFERENCES users,
    updated_by uuid NOT NULL REFERENCES users, created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz, env varchar NOT NULL DEFAULT 'dev',
    priority int NOT NULL DEFAULT 0, CONSTRAINT data_sources_name UNIQUE (name, organization_id, env));
  CREATE TABLE datasets (
    id uuid PRIMARY KEY, name varchar NOT NULL, data_source_id uuid NOT NULL REFERENCES data_sources,
    organization_id uuid NOT NULL REFERENCES organizations, deleted_at timestamptz, row_limit int NOT NULL);
  CREATE TABLE notifications (data_source_id uuid NOT NULL, what text NOT NULL);
  CREATE FUNCTION notify_data_source() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN INSERT INTO notifications VALUES (NEW.id, TG_OP); RETURN NEW; END $$;
  CREATE TRIGGER notify AFTER INSERT OR UPDATE ON data_sources FOR EACH ROW EXECUTE FUNCTION notify_data_source();`

/** The ids of the organization and its first admin in such a database. */
export const APPLICATION_ADMIN = 'admin@example.com'

/** `before` runs before the tables are created, `after` when they have their first rows. */
export async function applicationSite(sql: { before?: string; after?: string } = {}): Promise<ApplicationSite> {
  const [database, vault] = await Promise.all([scratchDatabase(), scratchVault()])
  const [organizationId, adminId] = [randomUUID(), randomUUID()]
  await database.query(sql.before ?? 'SELECT')
  await database.query(APPLICATION)
  await database.query(`INSERT INTO organizations (id, name, plan_id) VALUES ($1, 'Acme', 1)`, [organizationId])
  await database.query(`INSERT INTO users (id, email, auth_subject) VALUES ($1, $2, 'x')`, [adminId, APPLICATION_ADMIN])
  await database.query(
    `INSERT INTO users_to_organizations (user_id, organization_id, role) VALUES ($1, $2, 'workspace_admin')`,
    [adminId, organizationId],
  )
  await database.query(sql.after ?? 'SELECT')
  const policy = await vault.createPolicy('dsctl-admin', adminPolicy(vault.mount))
  const token = await vault.userToken({ email: APPLICATION_ADMIN, policies: [policy] })
  const servers = { DSCTL_DATABASE_URL: database.url, VAULT_ADDR: vault.addr, DSCTL_VAULT_MOUNT: vault.mount }
  const home = temporaryFolder()
  const env = { ...servers, VAULT_TOKEN: token }
  return {
    ...{ database, vault, organizationId, adminId, env, home },
    dsctl: (args, options) => dsctl(args, { home, ...options, env: { ...env, ...options?.env } }),
    spawnDsctl: (args, options) => spawnDsctl(args, { home, ...options, env: { ...env, ...options?.env } }),
    init: (args = ['--yes']) => dsctl(['init', ...args], { home, env: { ...servers, VAULT_TOKEN: vault.rootToken } }),
    async drop() {
      await database.drop()
      await vault.drop()
    },
  }
}
