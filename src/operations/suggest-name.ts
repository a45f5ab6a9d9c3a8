import { type DsctlError, withDetails } from '../domain/errors.ts'
import { findClosest } from '../lib/did-you-mean.ts'
import { isUuid } from '../lib/uuid.ts'
import type { Caller } from '../ports/caller.ts'
import { NO_FILTER, type Records } from '../ports/records.ts'
import { list } from './list.ts'

/** The number of names to compare: those changed last. */
const MAX_NAMES = 1000

/** The env of the settings, in which names are looked up, and the source of that setting. */
export interface EnvOfSettings {
  readonly env: string
  readonly source: string
}

/**
 * If an error is about an unknown name, adds a hint with a similar name of the caller's organization. Returns the error
 * unchanged if it is another error, if no name is similar, or if the look-up fails.
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
