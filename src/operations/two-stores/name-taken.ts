import { DsctlError } from '../../domain/errors.ts'
import type { Taken } from '../../ports/record-steps.ts'
import type { Stores } from '../stores.ts'

/**
 * The error for a name that a live record has. `name` or `env` is undefined if the request does not change it.
 * `alternative` completes the hint with what else the user can do.
 */
export function nameTakenError({ name, env, id }: Pick<Taken, 'name' | 'env' | 'id'>, alternative = ''): DsctlError {
  const where = env === undefined ? 'its env' : `env ${env}`
  const which = name === undefined ? `The current name in ${where}` : `The name ${name} in ${where}`
  const holder = id === undefined ? '' : `Data source ${id} has it. `
  return new DsctlError('conflict', `${which} is taken.`, {
    hint: `${holder}Choose another name or env${alternative}.`,
  })
}

/** The `alternative` for a create. */
export const IF_EXISTS_HINT = ', or pass --if-exists skip or update'

/**
 * The error for a name that Postgres refused without saying which record has it. If no live record has it, a deleted
 * record does: in a database that an application created, the unique constraint may include deleted rows.
 */
export async function explainNameTaken(
  { caller, records }: Stores,
  { name, env }: { name: string; env: string },
): Promise<DsctlError> {
  const found = await records.findName(caller, { name, env }).catch(() => undefined)
  if (found?.kind !== 'free') return nameTakenError({ name, env, id: found?.kind === 'taken' ? found.id : undefined })
  return new DsctlError('conflict', `The name ${name} in env ${env} is taken.`, {
    hint:
      'Only a deleted data source has this name, and the unique constraint of this database includes deleted rows. ' +
      'Choose another name or env. Run dsctl doctor to see the SQL that replaces the constraint.',
  })
}
