import type { DsctlError } from '../errors.ts'
import { invalid } from '../errors.ts'
import type { DatabaseSetup, FirstOrganization, Preparation } from '../ports/setup.ts'

/** What is to be done, known before anything is. */
export interface Plan {
  readonly way: Preparation['way']
  readonly needsOrganization: boolean
}

/**
 * Looks at the database and changes nothing. Throws `invalid`, with every difference, where it can't be used, or where
 * it has organizations already, but not the one that was named.
 */
export async function planInit(setup: DatabaseSetup, organization: string | undefined): Promise<Plan> {
  const { way, organizations, named } = await setup.inspect(organization)
  if (organizations > 0 && organization !== undefined && !named) throw notTheFirst(organization)
  return { way, needsOrganization: organizations === 0 }
}

/** Carries a plan out. Run again it changes nothing. Answers what was done, in words. */
export async function init(
  setup: DatabaseSetup,
  plan: Plan,
  first: Partial<FirstOrganization>,
): Promise<readonly string[]> {
  const { organization, email, name } = first
  if (plan.needsOrganization && (organization === undefined || email === undefined)) throw needed(first)
  await setup.prepare(plan.way)
  const done = DONE[plan.way]
  if (!plan.needsOrganization || organization === undefined || email === undefined) return done
  const added = await setup.addFirst({ organization, email, name })
  return added === 'added'
    ? [...done, `Made the organization ${organization}, with ${email} as its workspace_admin.`]
    : done
}

const DONE: Readonly<Record<Plan['way'], readonly string[]>> = {
  create: ['Made the tables of an empty database, and dsctl’s own in schema dsctl.'],
  adopt: ['Made dsctl’s own tables in schema dsctl; the application’s were not touched.'],
  done: [],
}

function needed({ organization, email }: Partial<FirstOrganization>): DsctlError {
  return invalid('There is no organization yet, and so nobody who could use dsctl.', [
    ...(organization === undefined ? [{ field: 'org', message: 'is required: --org NAME' }] : []),
    ...(email === undefined ? [{ field: 'admin', message: 'is required: --admin EMAIL' }] : []),
  ])
}

function notTheFirst(organization: string): DsctlError {
  return invalid(
    `There is no organization ${organization}, and init makes only the first one.`,
    [{ field: 'org', message: 'must be one that is there' }],
    'Other organizations are made by the application. Nothing was changed.',
  )
}
