import type { Caller, Denied } from '../../../src/ports/caller.ts'
import type { MemoryDatabase } from './database.ts'

/** Who the caller of a statement is. `denied` says why they may not run it. */
export interface Authorization {
  readonly userId: string | null
  readonly organizationId: string | null
  readonly denied: Denied | undefined
}

export function authorize(db: MemoryDatabase, caller: Caller): Authorization {
  const callers = usersByEmail(db, caller.email)
  const user = callers.length === 1 ? callers[0] : undefined
  const memberships = user ? activeMemberships(db, user.id) : []
  const chosen = memberships.filter(({ organization }) => isRequested(organization, caller.organization))
  const only = chosen.length === 1 ? chosen[0] : undefined
  const denied = (reason: Denied['reason']): Denied => {
    const organizations = memberships.map(({ organization }) => organization.name).sort()
    const role = chosen[0]?.role
    return { kind: 'denied', email: caller.email, reason, organizations, role, required: caller.roles }
  }
  const why = () => {
    if (callers.length === 0) return denied('unknown user')
    if (!user) return denied('ambiguous user')
    if (memberships.length === 0) return denied('no membership')
    if (!only) return denied(chosen.length ? 'several organizations' : 'no such organization')
    return caller.roles.includes(only.role) ? undefined : denied('role')
  }
  return { userId: user?.id ?? null, organizationId: only?.organization.id ?? null, denied: why() }
}

function usersByEmail(db: MemoryDatabase, email: string) {
  const exact = db.users.filter(user => user.email === email)
  if (exact.length || !/^[\x20-\x7e]+$/.test(email)) return exact
  return db.users.filter(user => asciiLower(user.email) === asciiLower(email))
}

function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, letter => letter.toLowerCase())
}

function activeMemberships(db: MemoryDatabase, userId: string) {
  return db.memberships
    .filter(member => member.userId === userId && member.status === 'active' && !member.deleted)
    .flatMap(({ organizationId, role }) => {
      const organization = db.organizations.find(({ id, deleted }) => id === organizationId && !deleted)
      return organization ? [{ organization, role }] : []
    })
}

function isRequested(organization: { id: string; name: string }, requested: string | undefined): boolean {
  return requested === undefined || organization.name === requested || organization.id === requested.toLowerCase()
}
