import { type DsctlError, withDetails } from '../domain/errors.ts'
import { findClosest } from '../lib/did-you-mean.ts'
import { isUuid } from '../lib/uuid.ts'
import type { Caller } from '../ports/caller.ts'
import type { Records } from '../ports/records.ts'
import { list } from './list.ts'

/** How many names are compared, last changed first. */
const MAX_NAMES = 1000

/**
 * Adds a similar name of the caller's organization as a hint to an error about an unknown name. Returns any other error
 * as it is, as well as one for which no suggestion is found or the look-up fails.
 */
export async function suggestName(
  error: DsctlError,
  open: () => Promise<{ caller: Caller; records: Records }>,
): Promise<DsctlError> {
  const { unknownName } = error.details
  if (unknownName === undefined || isUuid(unknownName)) return error
  try {
    const filter = { type: undefined, env: undefined, status: undefined, search: undefined }
    const { items } = await list(await open(), { ...filter, page: 0, pageSize: MAX_NAMES })
    const names = items.map(item => item.name)
    const name = findClosest(unknownName, names)
    if (name === undefined) return error
    const envs = new Set(items.filter(item => item.name === name).map(({ env }) => env))
    return withDetails(error, { hint: `Did you mean ${name} (env ${[...envs].join(', ')})?` })
  } catch {
    return error
  }
}
