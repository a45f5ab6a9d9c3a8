import type { Argument, Option } from 'commander'

/** The values that completion offers for an option or an argument. */
export type CompletionValues = readonly string[] | 'profiles' | 'files'

const valuesOf = new WeakMap<Option | Argument, CompletionValues>()

/** Sets the values that completion offers for an option or an argument. It does not restrict the accepted values. */
export function withCompletion<T extends Option | Argument>(target: T, values: CompletionValues): T {
  valuesOf.set(target, values)
  return target
}

/** The values that completion offers for an option or an argument; empty if it has none. */
export function completionValues(target: Option | Argument): CompletionValues {
  return valuesOf.get(target) ?? target.argChoices ?? []
}
