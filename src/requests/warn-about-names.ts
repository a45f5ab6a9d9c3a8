import type { InputContext } from '../cli/context.ts'
import { nameWarning } from '../source-types/check-name.ts'

/** The maximum number of names of a batch that get their own warning. */
const MAX_WARNINGS = 5

/** Warns about white space around a name, or invisible characters in it. */
export function warnAboutName({ warn }: Pick<InputContext, 'warn'>, name: unknown): void {
  const warning = nameWarning(name)
  if (warning) warn(`${warning}.`)
}

/** Does the same for the names of a batch. `where`: the file and the request. */
export function warnAboutNames(
  { warn }: Pick<InputContext, 'warn'>,
  names: readonly { readonly where: string; readonly name: unknown }[],
): void {
  const warnings = names.flatMap(({ where, name }) => {
    const warning = nameWarning(name)
    return warning ? [`${where}: ${warning}.`] : []
  })
  for (const warning of warnings.slice(0, MAX_WARNINGS)) warn(warning)
  const more = warnings.length - MAX_WARNINGS
  if (more > 0) warn(`${more} more names have white space around them or invisible characters.`)
}
