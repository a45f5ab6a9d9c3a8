import { Argument, type Command } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { ONBOARDING_STATUSES } from '../domain/data-source.ts'
import { MAY } from '../operations/authorize.ts'
import { moveOnboarding, parseMove } from '../operations/onboarding.ts'
import { dataSourceView } from '../views/data-source.ts'

/** `dsctl onboarding REF STATUS`. */
export function define(command: Command, context: Context): void {
  command
    .argument('<ref>', 'the UUID or the name of a data source')
    .addArgument(
      withCompletion(new Argument('<status>', 'notStarted, inProgress, completed or failed'), ONBOARDING_STATUSES),
    )
    .option('--error <text>', 'with failed: why, for everybody to read')
    .addHelpText('after', EXAMPLES)
    .action((ref: string, status: string) => run(context, ref, status))
}

async function run(context: Context, text: string, status: string): Promise<void> {
  const move = parseMove({ text, env: context.settings().get('env') }, { status, error: context.flags.error })
  const [stores, onboarding] = await Promise.all([context.stores(MAY.change), context.onboarding()])
  const answer = await context.uninterruptible(() => moveOnboarding(stores, onboarding, move))
  context.changed = { text: 'The onboarding status was changed all the same.', id: answer.record.id }
  for (const warning of answer.warnings) context.warn(warning)
  await context.print(dataSourceView(answer))
}

const EXAMPLES = `
notStarted can become inProgress, inProgress completed or failed, failed
inProgress, and each notStarted again.

Examples:
  dsctl onboarding Sales inProgress
  dsctl onboarding Sales failed --error "The warehouse is not there yet."
`
