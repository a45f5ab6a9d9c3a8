import type { Role } from './caller.ts'

// The ports through which `init` and `doctor` look at a database and at Vault as such, beside any data source.

/** How a database stands, before anything is changed. */
export interface DatabaseState {
  /** `create`: nothing is there, so all is made; `adopt`: the application's tables are there; `done`: all is there. */
  readonly status: 'empty' | 'adoptable' | 'ready'
  readonly organizations: number
  /** Whether the organization that was asked about is among them. */
  readonly organizationExists: boolean
  /** The role, as an active member there, of the person that was asked about; undefined where they have none. */
  readonly role: Role | undefined
}

/** The organization that `init` makes where there is none, and its workspace_admin. */
export interface FirstOrganization {
  readonly organization: string
  readonly email: string
  readonly name: string | undefined
}

export interface DatabaseSetup {
  /** Throws `invalid`, with every difference, where the tables are neither absent nor as they must be. */
  inspect(asked?: Partial<FirstOrganization>): Promise<DatabaseState>
  /** Makes what is missing; answers whether anything was, since another may have made it meanwhile. */
  prepare(status: DatabaseState['status']): Promise<boolean>
  /** In one statement; 'exists' where there is an organization already. */
  addFirst(first: FirstOrganization): Promise<'added' | 'exists'>
}

/** What the token may do in Vault: `missing` is what dsctl needs and it may not; empty where it may do all. */
export interface VaultCheck {
  readonly missing: readonly { readonly path: string; readonly capabilities: readonly string[] }[]
  /** The mount, where Vault does not show it: none of the token's policies reaches into it, or there is none. */
  readonly hiddenMount?: string
  /** The seconds that it is still good for, undefined where it does not expire; absent where no token is needed. */
  readonly token?: { readonly ttl: number | undefined; readonly isRoot: boolean }
}
