import { DsctlError } from '../../domain/errors.ts'
import { findPassword } from './password-file.ts'
import { type ConnectionSettings, describeTarget } from './settings.ts'

/** The password of the settings or of ~/.pgpass. Throws `unauthenticated` if there is none. */
export function passwordFor(settings: ConnectionSettings): string {
  if (settings.password !== undefined) return settings.password
  const found = findPassword(settings)
  if (found && 'password' in found) return found.password
  const problem = found ? ` ${settings.passfile} ${found.problem}.` : ''
  const { user } = settings
  const message = `Postgres at ${describeTarget(settings)} requires a password for user ${user}, and none is set.`
  throw new DsctlError('unauthenticated', message, {
    hint: `Set PGPASSWORD, or add the database to ~/.pgpass.${problem}`,
  })
}
