import { type DsctlError, withDetails } from '../domain/errors.ts'
import { findClosest } from '../lib/did-you-mean.ts'
import { isUuid } from '../lib/uuid.ts'
import type { Caller } from '../ports/caller.ts'
import { NO_FILTER, type Records } from '../ports/records.ts'
import { list } from './list.ts'

/** How many names are compared, last changed first. */
const MAX_NAMES = 1000

/** The env in which names are looked up because the settings name it, and where it comes from. */
export interface EnvOfSettings {
  readonly env: string
  readonly source: string
}

/**
 * Adds a similar name of the caller's organization as a hint to an error about an unknown name. Returns any other error
 * as it is, as well as one for which no suggestion is found or the look-up fails.
 */
export async function suggestName(
  error: DsctlError,
  open: () => Promise<{ caller: Caller; records: Records }>,
  ofSettings?: EnvOfSettings,
): Promise<DsctlError> {
  const { unknownName } = error.details
  if (unknownName === undefined || isUuid(unknownName)) return error
  try {
    const { items } = await list(await open(), { ...NO_FILTER, page: 0, pageSize: MAX_NAMES })
    const names = items.map(item => item.name)
    const name = findClosest(unknownName, names)
    if (name === undefined) return error
    const envs = [...new Set(items.filter(item => item.name === name).map(({ env }) => env))]
    if (ofSettings && name === unknownName) return withDetails(error, { hint: otherEnvHint(envs, ofSettings) })
    return withDetails(error, { hint: `Did you mean ${name} (env ${envs.join(', ')})?` })
  } catch {
    return error
  }
}

function otherEnvHint(envs: readonly string[], { env, source }: EnvOfSettings): string {
  const options = envs.map(each => `--env ${each}`).join(' or ')
  return `Only env ${env} was searched, because of ${source}. Pass ${options}.`
}
