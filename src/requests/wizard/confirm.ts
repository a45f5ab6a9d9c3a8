import type { InputContext } from '../../cli/context.ts'
import { DsctlError, invalid } from '../../domain/errors.ts'

interface Confirmation {
  /** Whether `--yes` was given. */
  readonly yes: boolean | undefined
  readonly question: string
  /** The error message if prompts are off. */
  readonly unattended: string
}

/** Asks the user to confirm. Throws `interrupted` if they decline, or `invalid` if prompts are off. */
export async function confirm(context: InputContext, { yes, question, unattended }: Confirmation): Promise<void> {
  if (yes) return
  const prompter = await context.prompter()
  if (!prompter) throw invalid(unattended, [], 'Pass --yes.')
  if (!(await prompter.confirm(question, false))) {
    throw new DsctlError('interrupted', 'Cancelled: nothing was changed.')
  }
}
