import { isEmail } from '../domain/email.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { ROLES } from '../ports/caller.ts'
import type { MemberChange } from '../ports/members.ts'

interface MemberChangeInput {
  readonly email: string
  readonly role?: string | undefined
  readonly name?: string | undefined
}

/** Reads a change of a member. Throws `invalid` with every problem. */
export function readMemberChange(kind: MemberChange['kind'], { email, role, name }: MemberChangeInput): MemberChange {
  const problems: FieldProblem[] = isEmail(email) ? [] : [{ field: 'email', message: 'must be an e-mail address' }]
  const known = ROLES.find(each => each === role)
  if (kind !== 'remove' && !known) {
    problems.push({ field: 'role', message: `must be one of ${ROLES.join(', ')}${didYouMean(role ?? '', ROLES)}` })
  }
  if (problems.length) throw invalid('Invalid command line.', problems)
  if (kind === 'remove' || !known) return { kind: 'remove', email }
  return kind === 'add' ? { kind, email, role: known, name } : { kind, email, role: known }
}
