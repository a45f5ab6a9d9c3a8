import type { Role, RowSecurity } from './caller.ts'

// The ports that `init` and `doctor` use to examine and set up the database, and to check Vault.

/** The state of a database before `init` changes it. */
export interface DatabaseState {
  /** `empty`: no tables. `adoptable`: the application's tables, but not dsctl's own. `ready`: all tables. */
  readonly status: 'empty' | 'adoptable' | 'ready'
  /** The number of organizations. */
  readonly organizations: number
  /** Whether the requested organization is one of them. */
  readonly organizationExists: boolean
  /** Role of the requested person in that organization; undefined if they are not an active member. */
  readonly role: Role | undefined
  /** Row-level security that may hide rows of the application's tables from the Postgres role. */
  readonly rowSecurity?: RowSecurity
}

/** The organization that `init` creates if there is none, and its workspace_admin. */
export interface FirstOrganization {
  readonly organization: string
  readonly email: string
  readonly name: string | undefined
}

export interface DatabaseSetup {
  /** Throws `invalid`, listing every difference, if tables exist but do not have the required columns and types. */
  inspect(requested?: Partial<FirstOrganization>): Promise<DatabaseState>
  /** Creates the missing tables. Returns whether this call created any; a concurrent `init` may have been first. */
  prepare(status: DatabaseState['status']): Promise<boolean>
  /** Creates the organization and its admin in one transaction. 'exists' if there is an organization already. */
  addFirst(first: FirstOrganization): Promise<'added' | 'exists'>
}

/** What the token may do in Vault. */
export interface VaultCheck {
  /** Capabilities that dsctl needs and the token lacks. */
  readonly missing: readonly { readonly path: string; readonly capabilities: readonly string[] }[]
  /** Set if the token cannot see the mount: it does not exist, or no policy of the token covers a path in it. */
  readonly hiddenMount?: string
  /** Absent if no token is needed. `ttl`: seconds until it expires, undefined if it does not expire. */
  readonly token?: { readonly ttl: number | undefined; readonly isRoot: boolean }
}
