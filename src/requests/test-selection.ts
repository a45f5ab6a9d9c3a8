import type { Context } from '../cli/context.ts'
import { invalid } from '../domain/errors.ts'
import { listAll } from '../operations/list.ts'
import type { Stores } from '../operations/stores.ts'
import type { Ref } from '../ports/lookup.ts'
import { getSourceType } from '../source-types/index.ts'

/** Throws `invalid` unless exactly one way says what is to be tested. */
export function checkSelection({ flags }: Context, refs: readonly string[]): void {
  const ways = [refs.length > 0, flags.all === true || flags.type !== undefined, flags.file !== undefined]
  const count = ways.filter(Boolean).length
  if (count === 0) throw invalid('What is to be tested?', [], 'Say a name or a UUID, --all, --type TYPE or -f REQUEST.')
  if (count > 1) throw invalid('REF, --all or --type, and -f say different things: give one of them.')
  if (flags.file !== undefined && flags.onboard === true) {
    throw invalid('A request that is not saved has no onboarding status.', [
      { field: 'onboard', message: 'leave it out' },
    ])
  }
}

/** What is to be tested: the REFs, or all data sources that `--type` and `--env` leave. */
export async function selected(context: Context, stores: Stores, refs: readonly string[]): Promise<readonly Ref[]> {
  const env = context.settings().get('env')
  // Two tests of one would move its onboarding status against each other.
  if (refs.length) return [...new Set(refs)].map(text => ({ text, env }))
  const type = context.flags.type === undefined ? undefined : getSourceType(context.flags.type).name
  const found: Ref[] = []
  await listAll(stores, { type, env, status: undefined, search: undefined, action: 'test' }, async page => {
    for (const { id } of page) found.push({ text: id, env: undefined })
    return true
  })
  return found
}
