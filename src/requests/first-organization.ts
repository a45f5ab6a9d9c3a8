import { isEmail } from '../domain/email.ts'
import { invalid } from '../domain/errors.ts'
import type { FirstOrganization } from '../ports/setup.ts'

interface FirstOrganizationOptions {
  readonly org?: string | undefined
  readonly admin?: string | undefined
  readonly adminName?: string | undefined
}

/** Reads the options that describe the first organization. Throws `invalid` if `--admin` is not an e-mail address. */
export function readFirstOrganization(options: FirstOrganizationOptions): Partial<FirstOrganization> {
  const { org, admin, adminName } = options
  const message = admin === undefined ? undefined : adminProblem(admin)
  if (message) throw invalid('Invalid command line.', [{ field: 'admin', message }])
  return {
    ...(org !== undefined && { organization: org }),
    ...(admin !== undefined && { email: admin }),
    ...(adminName !== undefined && { name: adminName }),
  }
}

/** The problem with a string that is not an e-mail address, otherwise undefined. */
export function adminProblem(text: string): string | undefined {
  return isEmail(text) ? undefined : 'must be an e-mail address'
}
