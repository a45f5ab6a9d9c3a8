import type { Caller, Denied, Role } from './caller.ts'

/** The caller as the application knows them, where they are an active member. */
export interface Member {
  readonly user: { readonly id: string; readonly email: string; readonly name: string | null }
  readonly organization: { readonly id: string; readonly name: string }
  readonly role: Role
}

export type MemberStatus = 'active' | 'inactive' | 'pending' | 'guest'

/** A membership that was not removed, as `member list` shows it. */
export interface ListedMember {
  readonly id: string
  readonly email: string
  readonly name: string | null
  readonly role: Role
  readonly status: MemberStatus
}

/** One change of an organization's members. The person is named by their address, exactly or but for its case. */
export type MemberChange =
  | { readonly kind: 'add'; readonly email: string; readonly role: Role; readonly name: string | undefined }
  | { readonly kind: 'set-role'; readonly email: string; readonly role: Role }
  | { readonly kind: 'remove'; readonly email: string }

/**
 * Why a change was not made: `not ours`, an application made the tables; `last admin`, nobody would be left who may
 * change members; `no member`, and `member` already; `ambiguous`, several users have this address but for its case.
 */
export type MemberRefusal = 'not ours' | 'last admin' | 'no member' | 'member' | 'ambiguous'

/** Who belongs to an organization. Each method is one statement that checks the caller itself; changes are audited. */
export interface Members {
  whoami(caller: Caller): Promise<Denied | { kind: 'found'; member: Member }>
  list(caller: Caller): Promise<Denied | { kind: 'listed'; members: readonly ListedMember[] }>
  /** `force` changes members even where an application made the tables. `unchanged`: the role is that one already. */
  change(
    caller: Caller,
    change: MemberChange,
    options: { readonly force: boolean },
  ): Promise<Denied | { kind: 'refused'; reason: MemberRefusal } | { kind: 'done' | 'unchanged'; member: ListedMember }>
}
