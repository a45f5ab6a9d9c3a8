import { DsctlError, invalid } from '../domain/errors.ts'
import type { Caller } from '../ports/caller.ts'
import type { ListedMember, MemberChange, MemberRefusal, Members } from '../ports/members.ts'
import { permitted } from './authorize.ts'
import { sendUnlogged } from './send-unlogged.ts'

export interface MemberAccess {
  readonly caller: Caller
  readonly members: Members
}

/** Returns the members of the organization, sorted by email address. Removed members are left out. */
export async function listMembers({ caller, members }: MemberAccess): Promise<readonly ListedMember[]> {
  return permitted(await members.list(caller)).members
}

const HINT = 'Run dsctl member list to see whether the change was made.'

/** Makes one change. Returns `unchanged` if there was nothing to change. Throws if the change is refused. */
export async function changeMember(
  { caller, members }: MemberAccess,
  change: MemberChange,
  options: { force: boolean },
): Promise<{ kind: 'done' | 'unchanged'; member: ListedMember }> {
  const answer = permitted(await sendUnlogged(() => members.change(caller, change, options), HINT))
  if (answer.kind === 'refused') throw REFUSALS[answer.reason](change.email)
  return answer
}

const REFUSALS: Readonly<Record<MemberRefusal, (email: string) => DsctlError>> = {
  'managed by application': () =>
    new DsctlError('forbidden', 'The application that owns these tables manages its members itself.', {
      hint: 'Change them in the application, or pass --force.',
    }),
  'last admin': email =>
    new DsctlError('conflict', `${email} is the last workspace_admin of the organization.`, {
      hint: 'Make someone else a workspace_admin first: dsctl member set-role EMAIL workspace_admin.',
    }),
  'not a member': email =>
    new DsctlError('not_found', `There is no member ${email}.`, { hint: 'Run dsctl member list to see them.' }),
  'already a member': email =>
    new DsctlError('conflict', `${email} is already a member.`, {
      hint: `To change the role, run dsctl member set-role ${email} ROLE.`,
    }),
  ambiguous: email =>
    invalid(
      `Several users have the address ${email}, differing only in upper and lower case.`,
      [],
      'Spell it exactly as the application does.',
    ),
}
