import type { InputContext } from '../cli/context.ts'
import { nameWarning } from '../source-types/check-name.ts'

/** How many names of a batch get a warning of their own. */
const MAX_WARNINGS = 5

/** Warns about a name with blanks around it or with characters that nobody sees. */
export function warnAboutName({ warn }: Pick<InputContext, 'warn'>, name: unknown): void {
  const warning = nameWarning(name)
  if (warning) warn(`${warning}.`)
}

/** The same for the names of a batch. `where`: the file and the request. */
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
  if (more > 0) warn(`${more} more names have blanks around them or invisible characters.`)
}
