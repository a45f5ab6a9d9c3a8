import { DsctlError, invalid } from '../domain/errors.ts'
import type { Denied, Role, RowSecurity } from '../ports/caller.ts'
import { ROLES } from '../ports/caller.ts'
import type { LookupFailure } from '../ports/lookup.ts'
import { rowSecurityHint } from './row-security.ts'

/**
 * The roles that may read, change data sources, or administer. Each SQL statement enforces the roles that it is given.
 */
export const MAY = {
  read: ROLES,
  change: ['workspace_admin', 'data_admin'],
  administer: ['workspace_admin'],
} as const satisfies Record<string, readonly Role[]>

/** Returns the answer of a statement. Throws if it was denied, or if its REF does not identify exactly one record. */
export function permitted<A extends { readonly kind: string }>(
  answer: A | Denied | LookupFailure,
  ref?: string,
): Exclude<A, Denied | LookupFailure> {
  if (answer.kind === 'denied') throw denial(answer as Denied)
  if (answer.kind === 'not found') throw notFound(ref ?? '')
  if (answer.kind === 'ambiguous') throw ambiguous(ref ?? '', answer as Extract<LookupFailure, { kind: 'ambiguous' }>)
  return answer as Exclude<A, Denied | LookupFailure>
}

/** The error for a missing data source. It does not reveal whether another organization has it. */
export function notFound(ref: string): DsctlError {
  return new DsctlError('not_found', `There is no data source ${ref}.`, {
    hint: 'Run dsctl list to see them.',
    unknownName: ref,
  })
}

function ambiguous(ref: string, { candidates }: Extract<LookupFailure, { kind: 'ambiguous' }>): DsctlError {
  const envs = new Set(candidates.map(({ env }) => env))
  // Older versions allowed names in one env that differ only in Unicode normalization.
  const sameEnv = envs.size < candidates.length
  return invalid(
    sameEnv ? `Several data sources are named ${ref}.` : `${ref} exists in several envs.`,
    candidates.map(({ id, env }) => ({ field: 'env', message: `${env}: ${id}` })),
    envs.size > 1 ? 'Pass --env, or its UUID.' : 'Pass its UUID, and rename one of them.',
  )
}

function denial({ reason, email, organizations, role, required, rowSecurity }: Denied): DsctlError {
  switch (reason) {
    case 'unknown user':
      return new DsctlError('forbidden', `The application has no user ${email}.`, {
        hint: withRowSecurity(
          'Run dsctl whoami to see how the address was found. A workspace_admin can add members.',
          rowSecurity,
        ),
      })
    case 'ambiguous user':
      return new DsctlError(
        'forbidden',
        `Several users have the address ${email}, differing only in upper and lower case.`,
        {
          hint: 'In Vault, spell the address exactly as the application does.',
        },
      )
    case 'no membership':
      return new DsctlError('forbidden', `${email} is not an active member of any organization.`, {
        hint: withRowSecurity('Ask a workspace_admin to add you.', rowSecurity),
      })
    case 'no such organization':
      return new DsctlError('not_found', 'There is no such organization.', {
        hint: withRowSecurity(
          organizations.length ? `Your organizations: ${organizations.join(', ')}.` : '',
          rowSecurity,
        ),
      })
    case 'several organizations':
      return invalid(
        'You are a member of several organizations.',
        organizations.map(message => ({ field: 'org', message })),
        'Pass --org NAME, or run dsctl config set org NAME.',
      )
    case 'role':
      return new DsctlError('forbidden', `Your role ${role ?? ''} is not allowed to do this.`, {
        hint: `It requires the role ${required.join(' or ')} in the organization.`,
      })
  }
}

function withRowSecurity(hint: string, rowSecurity: RowSecurity | undefined): string | undefined {
  return [hint, rowSecurityHint(rowSecurity) ?? ''].join(' ').trim() || undefined
}
