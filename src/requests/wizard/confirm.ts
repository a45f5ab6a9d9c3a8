import type { Context } from '../../cli/context.ts'
import { DsctlError, invalid } from '../../domain/errors.ts'

/**
 * Has a person confirm what is for good, unless `--yes` says so. Throws `invalid` with `unasked` where nobody can be
 * asked, `interrupted` where they would rather not.
 */
export async function confirm(context: Context, question: string, unasked: string): Promise<void> {
  if (context.flags.yes === true) return
  const prompter = await context.prompter()
  if (!prompter) throw invalid(unasked, [], 'Say --yes.')
  if (!(await prompter.confirm(question, false))) {
    throw new DsctlError('interrupted', 'Cancelled: nothing was changed.')
  }
}
