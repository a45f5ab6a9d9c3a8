export type Role = 'workspace_admin' | 'data_admin' | 'querier' | 'restricted_querier' | 'viewer'
export const ROLES: readonly Role[] = ['workspace_admin', 'data_admin', 'querier', 'restricted_querier', 'viewer']

/** The user on whose behalf a statement runs. Every statement checks the caller's permission itself. */
export interface Caller {
  readonly email: string
  /** How the address was established, for example `vault entity metadata`. Shown by `whoami` and `audit`. */
  readonly identitySource: string
  /** Name or UUID; undefined means the only organization of the user. */
  readonly organization: string | undefined
  /** The roles that permit the operation. */
  readonly roles: readonly Role[]
}

/** Row-level security may hide rows of these tables from the Postgres role. */
export interface RowSecurity {
  readonly role: string
  /** Empty if it hides nothing. */
  readonly tables: readonly string[]
}

/** The statement did nothing because the caller lacks permission. */
export interface Denied {
  readonly kind: 'denied'
  /** The caller's address. */
  readonly email: string
  readonly reason:
    | 'unknown user'
    | 'ambiguous user'
    | 'no membership'
    | 'several organizations'
    | 'no such organization'
    | 'role'
  /** Names of the organizations that the caller is an active member of. */
  readonly organizations: readonly string[]
  /** The caller's role in the chosen organization, if one was found. */
  readonly role: Role | undefined
  /** The roles that permit the operation. */
  readonly required: readonly Role[]
  /** Why the user, the membership or the organization may not have been found, although it exists. */
  readonly rowSecurity?: RowSecurity
}

/** The user, as identified by the Vault token or the operating system. */
export interface Identity {
  readonly email: string
  /** How the address was established: see Caller.identitySource. */
  readonly source: string
  /** Seconds until the token expires; undefined if it does not expire. */
  readonly ttl: number | undefined
}
