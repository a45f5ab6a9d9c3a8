import { DsctlError } from '../errors.ts'
import type { Caller } from '../ports/caller.ts'
import type { Member, Members } from '../ports/members.ts'
import { permitted } from './authorize.ts'

/** Who is asking, as the application knows them. Throws, with the address, where it has no such user. */
export async function whoami({ caller, members }: { caller: Caller; members: Members }): Promise<Member> {
  const found = await members.whoami(caller)
  if (found.kind === 'denied' && found.reason === 'unknown user') {
    const { email, identitySource } = caller
    throw new DsctlError('forbidden', `The application has no user ${email} (${identitySource}).`, {
      hint: 'A workspace_admin adds members. Where there is such a user, your Postgres role may not see it.',
    })
  }
  return permitted(found).member
}

/** Seconds in words, in the largest unit that they fill. */
export function duration(seconds: number): string {
  const [size, unit] = UNITS.find(([least]) => seconds >= least) ?? [1, 'second']
  const count = Math.floor(seconds / size)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

const UNITS = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
] as const
