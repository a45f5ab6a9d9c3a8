import { DsctlError, invalid } from '../domain/errors.ts'
import type { RowSecurity } from '../ports/caller.ts'
import type { DatabaseSetup, DatabaseState, FirstOrganization } from '../ports/setup.ts'
import { rowSecurityHint } from './row-security.ts'

/** What init will do. */
export interface InitPlan {
  readonly status: DatabaseState['status']
  readonly needsOrganization: boolean
  /** Tables whose rows row-level security may hide from the Postgres role, and that role. */
  readonly rowSecurity: RowSecurity | undefined
}

/**
 * Inspects the database and changes nothing. Throws `invalid`, with every difference, if its tables cannot be used. If
 * there are organizations already, also throws `invalid` if the given one is not among them, or if the given admin is
 * not a workspace_admin of it.
 */
export async function planInit(setup: DatabaseSetup, first: Partial<FirstOrganization>): Promise<InitPlan> {
  const { organization, email } = first
  const { status, organizations, organizationExists, role, rowSecurity } = await setup.inspect(first)
  if (organizations === 0 && rowSecurity?.tables.includes('organizations')) throw organizationsHidden(rowSecurity)
  if (organizations > 0 && organization !== undefined && !organizationExists) throw notFirstOrganization(organization)
  if (organizations > 0 && email !== undefined && role !== 'workspace_admin') {
    throw notFirstAdmin({ organization, email }, { status, role })
  }
  return {
    status,
    needsOrganization: organizations === 0,
    rowSecurity: rowSecurity?.tables.length ? rowSecurity : undefined,
  }
}

/** Carries out a plan. Idempotent. Returns sentences that say what was done. */
export async function init(
  setup: DatabaseSetup,
  plan: InitPlan,
  first: Partial<FirstOrganization>,
): Promise<readonly string[]> {
  const { organization, email, name } = first
  if (plan.needsOrganization && (organization === undefined || email === undefined)) throw organizationRequired(first)
  const done = (await setup.prepare(plan.status)) ? DONE[plan.status] : []
  if (!plan.needsOrganization || organization === undefined || email === undefined) return done
  const added = await setup.addFirst({ organization, email, name })
  if (added === 'added')
    return [...done, `Created the organization ${organization} with ${email} as its workspace_admin.`]
  await planInit(setup, first) // Another process was first, maybe with another organization or admin.
  return done
}

const DONE: Readonly<Record<InitPlan['status'], readonly string[]>> = {
  empty: ['Created the application tables and the tables in schema dsctl.'],
  adoptable: ['Created the tables in schema dsctl. The application’s tables were not changed.'],
  ready: [],
}

/** Creating an organization would add a second one. */
function organizationsHidden(rowSecurity: RowSecurity): DsctlError {
  return new DsctlError('forbidden', 'The Postgres role sees no organization.', { hint: rowSecurityHint(rowSecurity) })
}

function organizationRequired({ organization, email }: Partial<FirstOrganization>): DsctlError {
  return invalid('There is no organization yet, so nobody could use dsctl.', [
    ...(organization === undefined ? [{ field: 'org', message: 'is required: --org NAME' }] : []),
    ...(email === undefined ? [{ field: 'admin', message: 'is required: --admin EMAIL' }] : []),
  ])
}

function notFirstOrganization(organization: string): DsctlError {
  return invalid(
    `Organization ${organization} does not exist, and init creates only the first organization.`,
    [{ field: 'org', message: 'must be an existing organization' }],
    'The application creates other organizations. Nothing was changed.',
  )
}

function notFirstAdmin(
  { organization, email }: { organization: string | undefined; email: string },
  { status, role }: Pick<DatabaseState, 'status' | 'role'>,
): DsctlError {
  const change = role ? `set-role ${email} workspace_admin` : `add ${email} --role workspace_admin`
  return invalid(
    `${email} is not an active workspace_admin of ${organization ?? 'any organization'}, and init adds only the first workspace_admin.`,
    [{ field: 'admin', message: role ? `is a ${role} there` : 'must be a workspace_admin already' }],
    status === 'adoptable'
      ? 'The application manages its members. Leave out --admin. Nothing was changed.'
      : `A workspace_admin can run: dsctl member ${change}.`,
  )
}

/** The error for a mount that the token cannot see. The token can log in to Vault, but cannot use any secret. */
export function mountUnseen(mount: string): DsctlError {
  return invalid(
    `The Vault mount ${mount} is not visible to this token: it does not exist, or no policy of the token grants access to it.`,
    [{ field: 'vault.mount', message: 'must be a mount that the token’s policies grant access to' }],
    'Check vault.mount (DSCTL_VAULT_MOUNT). See docs/setup-servers.md, "Vault policies".',
  )
}
