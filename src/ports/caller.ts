// Who is asking, for which organization, and how a statement refuses.

export type Role = 'workspace_admin' | 'data_admin' | 'querier' | 'restricted_querier' | 'viewer'
export const ROLES: readonly Role[] = ['workspace_admin', 'data_admin', 'querier', 'restricted_querier', 'viewer']

/** Who is asking, for which organization, and which roles may: each statement checks it, none trusts an earlier one. */
export interface Caller {
  readonly email: string
  /** How the address was established, for `whoami` and the audit trail, for instance `vault entity metadata`. */
  readonly identitySource: string
  /** Name or UUID; undefined means the user's only one. */
  readonly organization: string | undefined
  readonly roles: readonly Role[]
}

/** Why a statement did nothing: who asks may not. `organizations` are the names to choose from. */
export interface Denied {
  readonly kind: 'denied'
  /** Of who asks. */
  readonly email: string
  readonly reason:
    | 'unknown user'
    | 'ambiguous user'
    | 'no membership'
    | 'several organizations'
    | 'no such organization'
    | 'role'
  readonly organizations: readonly string[]
  readonly role: Role | undefined
}

/** Who the Vault token (or the operating system) says is asking. */
export interface Identity {
  readonly email: string
  readonly source: string
  /** Seconds that the token is still good for; undefined where it does not expire. */
  readonly ttl: number | undefined
}
