import { randomUUID } from 'node:crypto'
import { markedBlock } from './docs.ts'
import { dsctl, type RunOptions, type RunResult, type Spawned, spawnDsctl, temporaryFolder } from './run.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from './servers.ts'
import type { ScratchVault } from './vault.ts'

/** A role in an organization, as the application's tables name it. */
export type Role = 'workspace_admin' | 'data_admin' | 'querier' | 'restricted_querier' | 'viewer'

export interface Site {
  readonly database: ScratchDatabase
  readonly vault: ScratchVault
  /** The home folder of the admin, where `init` has saved its profile. */
  readonly home: string
  /** The admin's environment: both servers, the mount and the token, with the least privileges in both. */
  readonly env: Readonly<Record<string, string>>
  /** `Acme`, made by `init`. */
  readonly organization: { readonly id: string; readonly name: string }
  readonly admin: { readonly id: string; readonly email: string }
  /** Runs dsctl as the admin; `env` is added to the site's. */
  dsctl(args: readonly string[], options?: RunOptions): Promise<RunResult>
  /** The same in a process of its own. */
  spawnDsctl(args: readonly string[], options?: RunOptions): Spawned
  /** Another person: a user, a member of the organization (unless role is undefined), and the environment with their token. */
  addPerson(person: { email: string; role?: Role | undefined; policies?: readonly string[] }): Promise<Person>
  addUser(email: string): Promise<string>
  addOrganization(name: string): Promise<string>
  addMember(userId: string, organizationId: string, member: { role: Role; status?: string }): Promise<void>
  /** Inserts a live record without a secret, as an application may. */
  addDataSource(record: { name: string; env?: string; type?: string; organizationId?: string }): Promise<string>
  drop(): Promise<void>
}

export interface Person {
  readonly id: string
  readonly email: string
  readonly env: Readonly<Record<string, string>>
}

/** Extra privileges of a suite's role, besides the documented grants for an admin. */
type MoreGrants = 'members'

export const ADMIN = 'admin@example.com'

/** With DSCTL_TEST_STORES=embedded, suites with one user run on the embedded profile. */
export const ON_EMBEDDED = process.env.DSCTL_TEST_STORES === 'embedded'

/** A scratch database and a scratch mount that `dsctl init` has prepared, and an admin who logged in. */
export async function createSite(more: readonly MoreGrants[] = []): Promise<Site> {
  if (ON_EMBEDDED) return (await import('./embedded-site.ts')).createEmbeddedSite()
  const [database, vault] = await Promise.all([scratchDatabase({ tables: true }), scratchVault()])
  return createSiteOn(database, vault, more)
}

/** The same on an existing, empty database and mount. */
export async function createSiteOn(
  database: ScratchDatabase,
  vault: ScratchVault,
  more: readonly MoreGrants[] = [],
): Promise<Site> {
  const home = temporaryFolder()
  await initialize(database, vault, home)
  const url = await grantedUrl(database, ['admin', ...more])
  const servers = { DSCTL_DATABASE_URL: url, VAULT_ADDR: vault.addr, DSCTL_VAULT_MOUNT: vault.mount }
  const policy = await vault.createPolicy('dsctl-admin', adminPolicy(vault.mount))
  const token = await vault.userToken({ email: ADMIN, policies: [policy] })
  const env = { ...servers, VAULT_TOKEN: token }
  const [organization] = await database.query('SELECT id, name FROM organizations')
  const [admin] = await database.query('SELECT id, email FROM users')
  return {
    database,
    vault,
    home,
    env,
    organization,
    admin,
    dsctl: (args, options) => dsctl(args, { home, ...options, env: { ...env, ...options?.env } }),
    spawnDsctl: (args, options) => spawnDsctl(args, { home, ...options, env: { ...env, ...options?.env } }),
    async addPerson({ email, role, policies = [policy] }) {
      const id = await addUser(database, email)
      if (role) await addMember(database, { userId: id, organizationId: organization.id, role })
      return { id, email, env: { ...servers, VAULT_TOKEN: await vault.userToken({ email, policies }) } }
    },
    ...writes(database, organization.id, admin.id),
    async drop() {
      await database.drop()
      await vault.drop()
    },
  }
}

/** Functions that write to the database as the application does. */
export function writes(
  database: ScratchDatabase,
  organizationId: string,
  userId: string,
): Pick<Site, 'addUser' | 'addOrganization' | 'addMember' | 'addDataSource'> {
  return {
    addUser: email => addUser(database, email),
    addOrganization: name => addOrganization(database, name),
    addMember: (user, organization, member) =>
      addMember(database, { userId: user, organizationId: organization, ...member }),
    addDataSource: record => addDataSource(database, { organizationId, userId, ...record }),
  }
}

async function initialize(database: ScratchDatabase, vault: ScratchVault, home: string): Promise<void> {
  const where = ['--database-url', database.url, '--vault-addr', vault.addr, '--vault-mount', vault.mount]
  const args = ['init', ...where, '--org', 'Acme', '--admin', ADMIN, '--yes']
  const result = await dsctl(args, { home, env: { VAULT_TOKEN: vault.rootToken } })
  if (result.code !== 0) throw new Error(`dsctl init ended with ${result.code}:\n${result.stdout}${result.stderr}`)
}

/** The database's URL for a role with only the documented grants. Only `init` needs the owner. */
async function grantedUrl(database: ScratchDatabase, blocks: readonly string[]): Promise<string> {
  const { role, url } = await database.createRole()
  for (const block of blocks) await database.query(grants(block, role))
  return url
}

/** A block of the documented grants, for this role. */
export function grants(block: string, role: string): string {
  return markedBlock(`grants: ${block}`).replaceAll(/dsctl_(admin|reader)/g, `"${role}"`)
}

/** The documented policy for an admin of data sources, for this mount and path. */
export function adminPolicy(mount: string, path = 'data-sources'): string {
  return markedBlock('policy: admin').replaceAll('"secret/', `"${mount}/`).replaceAll('/data-sources', `/${path}`)
}

async function addUser(database: ScratchDatabase, email: string): Promise<string> {
  const id = randomUUID()
  await database.query('INSERT INTO users (id, email, name) VALUES ($1, $2, $3)', [id, email, email.split('@')[0]])
  return id
}

async function addOrganization(database: ScratchDatabase, name: string): Promise<string> {
  const id = randomUUID()
  await database.query('INSERT INTO organizations (id, name) VALUES ($1, $2)', [id, name])
  return id
}

async function addMember(
  database: ScratchDatabase,
  member: { userId: string; organizationId: string; role: Role; status?: string },
): Promise<void> {
  await database.query(
    `INSERT INTO users_to_organizations (user_id, organization_id, role, status, created_by, updated_by)
     VALUES ($1, $2, $3, $4, $1, $1)`,
    [member.userId, member.organizationId, member.role, member.status ?? 'active'],
  )
}

async function addDataSource(
  database: ScratchDatabase,
  record: { name: string; env?: string; type?: string; organizationId: string; userId: string },
): Promise<string> {
  const id = randomUUID()
  await database.query(
    `INSERT INTO data_sources (id, secret_id, name, type, env, organization_id, created_by, updated_by)
     VALUES ($1, $1, $2, $3, $4, $5, $6, $6)`,
    [id, record.name, record.type ?? 'postgres', record.env ?? 'dev', record.organizationId, record.userId],
  )
  return id
}
