import type { Caller } from '../ports/caller.ts'
import type { ListFilter, Records } from '../ports/records.ts'
import { permitted } from './authorize.ts'

/** How many envs a hint lists. */
const MAX_ENVS = 20

/**
 * Explains why no data source passes a filter. If the filter has an env without data sources, the hint lists the envs
 * that have data sources.
 */
export async function explainNoMatch(
  { caller, records }: { caller: Caller; records: Records },
  filter: ListFilter,
): Promise<{ message: string; hint: string | undefined }> {
  const message = `No data sources${describeFilter(filter)}.`
  if (filter.envs.length === 0) return { message, hint: undefined }
  const { envs } = permitted(await records.listEnvs(caller))
  if (filter.envs.every(env => envs.includes(env))) return { message, hint: undefined }
  return {
    message,
    hint: envs.length ? `Envs with data sources: ${listed(envs)}.` : 'There are no data sources in any env.',
  }
}

/** For example ` of type mysql or mariadb in env dev with status failed`. */
function describeFilter({ types, statuses, search, envs }: ListFilter): string {
  return [
    types.length ? ` of type ${types.join(' or ')}` : '',
    envs.length ? ` in env ${envs.join(' or ')}` : '',
    statuses.length ? ` with status ${statuses.join(' or ')}` : '',
    search === undefined ? '' : ` whose name contains ${search}`,
  ].join('')
}

function listed(envs: readonly string[]): string {
  const more = envs.length - MAX_ENVS
  return `${envs.slice(0, MAX_ENVS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
