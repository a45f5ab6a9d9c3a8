import type { Argument, Option } from 'commander'

/** What a shell can complete a value to. */
export type CompletionValues = readonly string[] | 'profiles' | 'files'

const offers = new WeakMap<Option | Argument, CompletionValues>()

/** Says what an option's or an argument's value can be completed to. Whether it is right, others judge. */
export function withCompletion<T extends Option | Argument>(of: T, values: CompletionValues): T {
  offers.set(of, values)
  return of
}

/** What the value of an option or an argument can be completed to. */
export function completionValues(of: Option | Argument): CompletionValues {
  return offers.get(of) ?? of.argChoices ?? []
}
