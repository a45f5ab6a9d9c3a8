import { DsctlError } from '../domain/errors.ts'
import type { Caller } from '../ports/caller.ts'
import type { Member, Members } from '../ports/members.ts'
import { permitted } from './authorize.ts'
import { rowSecurityHint } from './row-security.ts'

/**
 * Returns the caller's user, organization and role. Throws if the application has no user with the caller's email
 * address.
 */
export async function whoami({ caller, members }: { caller: Caller; members: Members }): Promise<Member> {
  const found = await members.whoami(caller)
  if (found.kind === 'denied' && found.reason === 'unknown user') {
    const { email, identitySource } = caller
    throw new DsctlError('forbidden', `The application has no user ${email} (${identitySource}).`, {
      hint: ['Ask a workspace_admin to add you.', rowSecurityHint(found.rowSecurity) ?? ''].join(' ').trim(),
    })
  }
  return permitted(found).member
}
