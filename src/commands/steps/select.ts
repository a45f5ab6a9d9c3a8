import type { Context } from '../../cli/context.ts'
import { envOfSettings } from '../../cli/env-of-settings.ts'
import { outputFormat } from '../../cli/global-options.ts'
import { explainNoMatch } from '../../operations/explain-no-match.ts'
import type { Caller } from '../../ports/caller.ts'
import { type ListFilter, NO_FILTER, type Records } from '../../ports/records.ts'
import { selectedEnvs } from '../../requests/selected-envs.ts'
import { getSourceType } from '../../source-types/index.ts'

/** The filter from the options `--type` and `--env`, or else the env of the settings. Throws `invalid`. */
export function readFilter(context: Context, types: readonly string[] = []): ListFilter {
  const names = types.map(type => getSourceType(type).name)
  return { ...NO_FILTER, types: [...new Set(names)], envs: selectedEnvs(context) }
}

/** Prints a note for people if the settings restrict the result to one env, which is easy to forget. */
export function noteEnvOfSettings(context: Context): void {
  const selected = envOfSettings(context)
  const isDocument = ['json', 'yaml'].includes(outputFormat(context.settings()))
  if (!selected || isDocument) return
  context.note(`Only env ${selected.env}, because of ${selected.source}. Pass --env for other envs.`)
}

/** The message to print if no data source passes a filter. */
export async function noMatchText(access: { caller: Caller; records: Records }, filter: ListFilter): Promise<string> {
  const { message, hint } = await explainNoMatch(access, filter)
  return hint === undefined ? message : `${message} ${hint}`
}
