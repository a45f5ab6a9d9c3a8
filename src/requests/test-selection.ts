import { invalid } from '../domain/errors.ts'

/** The options that select what `test` tests. */
export interface SelectionOptions {
  readonly all?: boolean
  readonly type?: readonly string[]
  readonly file?: string
  readonly onboard?: boolean
}

/** Throws `invalid` unless the data sources to test are selected in exactly one way. `envs`: those of every `--env`. */
export function checkSelection(
  refs: readonly string[],
  { all = false, type, file, onboard, envs }: SelectionOptions & { readonly envs: readonly string[] },
): void {
  const selections = [refs.length > 0, all || type !== undefined, file !== undefined].filter(Boolean)
  if (selections.length === 0) {
    throw invalid('Nothing to test.', [], 'Pass a name or a UUID, --all, --type TYPE or -f REQUEST.')
  }
  if (selections.length > 1)
    throw invalid('Select data sources in only one way: by REF, with --all or --type, or with -f.')
  if (envs.length > 1 && !all && type === undefined) {
    throw invalid('Invalid command line.', [
      { field: 'env', message: 'can have several values only with --all or --type' },
    ])
  }
  if (file !== undefined && onboard) {
    throw invalid('A request that is not saved has no onboarding status.', [
      { field: 'onboard', message: 'cannot be combined with -f' },
    ])
  }
}
