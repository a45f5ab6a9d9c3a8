import type { Caller, Denied, Role } from './caller.ts'

/** An active member. */
export interface Member {
  readonly user: { readonly id: string; readonly email: string; readonly name: string | null }
  readonly organization: { readonly id: string; readonly name: string }
  readonly role: Role
}

export type MemberStatus = 'active' | 'inactive' | 'pending' | 'guest'

/** A current membership of any status. */
export interface ListedMember {
  readonly id: string
  readonly email: string
  readonly name: string | null
  readonly role: Role
  readonly status: MemberStatus
}

/** A change to the members of an organization. The e-mail address matches exactly or, failing that, ignoring case. */
export type MemberChange =
  | { readonly kind: 'add'; readonly email: string; readonly role: Role; readonly name: string | undefined }
  | { readonly kind: 'set-role'; readonly email: string; readonly role: Role }
  | { readonly kind: 'remove'; readonly email: string }

/**
 * Why a change was refused. `managed by application`: the application created the tables. `last admin`: the
 * organization would have no workspace_admin left. `ambiguous`: several users have this address, ignoring case.
 */
export type MemberRefusal = 'managed by application' | 'last admin' | 'not a member' | 'already a member' | 'ambiguous'

/**
 * The members of an organization. Each method is one statement, which checks the caller's permission. Changes are
 * audited.
 */
export interface Members {
  whoami(caller: Caller): Promise<Denied | { kind: 'found'; member: Member }>
  list(caller: Caller): Promise<Denied | { kind: 'listed'; members: readonly ListedMember[] }>
  /**
   * `force` permits the change even if the application created the tables. `unchanged`: the member already has the
   * role.
   */
  change(
    caller: Caller,
    change: MemberChange,
    options: { readonly force: boolean },
  ): Promise<Denied | { kind: 'refused'; reason: MemberRefusal } | { kind: 'done' | 'unchanged'; member: ListedMember }>
}
