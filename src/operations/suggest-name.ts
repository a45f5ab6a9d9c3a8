import { type DsctlError, withDetails } from '../domain/errors.ts'
import { findClosest } from '../lib/did-you-mean.ts'
import { isUuid } from '../lib/uuid.ts'
import type { Caller } from '../ports/caller.ts'
import type { Records } from '../ports/records.ts'
import { list } from './list.ts'

/** How many names are looked through, the last changed first. */
const MAX_NAMES = 1000

/**
 * An error about a name that led nowhere, with the one in the caller's organization that was probably meant; any other
 * as it is. Only then is there one more look at the records, and where that fails the error stands as it was.
 */
export async function suggestName(
  error: DsctlError,
  open: () => Promise<{ caller: Caller; records: Records }>,
): Promise<DsctlError> {
  const { unknownName } = error.details
  if (unknownName === undefined || isUuid(unknownName)) return error
  try {
    const every = {
      page: 0,
      pageSize: MAX_NAMES,
      type: undefined,
      env: undefined,
      status: undefined,
      search: undefined,
    }
    const { items } = await list(await open(), every)
    const name = findClosest(
      unknownName,
      items.map(item => item.name),
    )
    if (name === undefined) return error
    const envs = new Set(items.filter(item => item.name === name).map(({ env }) => env))
    return withDetails(error, { hint: `Did you mean ${name} (env ${[...envs].join(', ')})?` })
  } catch {
    return error
  }
}
