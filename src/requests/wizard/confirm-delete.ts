import type { InputContext } from '../../cli/context.ts'
import type { DataSource } from '../../domain/data-source.ts'
import { invalid } from '../../domain/errors.ts'
import type { Ref } from '../../ports/lookup.ts'
import type { Prompter } from '../../terminal/prompter.ts'

/** How many data sources a confirmation lists. */
export const MAX_LISTED = 20

/** The prompter for confirming a delete. Undefined with `--yes`. Throws `invalid` if prompts are off. */
export async function deletePrompter(context: InputContext, { yes }: { yes?: boolean }): Promise<Prompter | undefined> {
  if (yes) return undefined
  const prompter = await context.prompter()
  if (prompter) return prompter
  throw invalid('Deleting cannot be undone, and there is no terminal to confirm.', [], 'Pass --yes.')
}

/** Asks the user to type the name of each data source. */
export async function confirmDeletes(prompter: Prompter, found: readonly (DataSource | undefined)[]): Promise<void> {
  for (const record of found) {
    if (record) await prompter.askName(`Delete ${record.name} (${record.env}, ${record.type})?`, record.name)
  }
}

/** Lists the first of many data sources and asks the user to type their number. `found` has the order of `refs`. */
export async function confirmManyDeletes(
  prompter: Prompter,
  refs: readonly Ref[],
  found: readonly (DataSource | undefined)[],
): Promise<void> {
  const listItem = found.map((record, at) => {
    return record ? `${record.name} (${record.env})` : `${refs[at]?.text} (not found)`
  })
  const more = refs.length - listItem.length
  prompter.tell(`To be deleted: ${listItem.join(', ')}${more ? ` and ${more} more` : ''}.`)
  await prompter.askName(`Delete all ${refs.length}?`, String(refs.length))
}
