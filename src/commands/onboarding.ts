import { Argument, type Command } from 'commander'
import { withCompletion } from '../cli/completion/values.ts'
import type { Context } from '../cli/context.ts'
import { ONBOARDING_STATUSES } from '../domain/data-source.ts'
import { MAY } from '../operations/authorize.ts'
import { moveOnboarding } from '../operations/onboarding.ts'
import { readMove } from '../requests/onboarding-request.ts'
import { dataSourceView } from '../views/data-source.ts'

interface Options {
  readonly error?: string
}

/** `dsctl onboarding REF STATUS`. */
export function define(command: Command, context: Context): void {
  command
    .argument('<ref>', 'the UUID or the name of a data source')
    .addArgument(
      withCompletion(new Argument('<status>', 'notStarted, inProgress, completed or failed'), ONBOARDING_STATUSES),
    )
    .option('--error <text>', 'with failed: the reason, which everyone can read')
    .addHelpText('after', EXAMPLES)
    .action((ref: string, status: string, options: Options) => run(context, ref, { status, ...options }))
}

async function run(context: Context, text: string, { status, error }: Options & { status: string }): Promise<void> {
  const move = readMove({ text, env: context.settings().get('env') }, { status, error })
  const [stores, onboarding] = await Promise.all([context.stores(MAY.change), context.onboarding()])
  const answer = await context.uninterruptible(() => moveOnboarding(stores, onboarding, move))
  if (answer.changed) context.changed = { text: 'The onboarding status was changed.', id: answer.record.id }
  else context.note('No changes: already up to date.')
  for (const warning of answer.warnings) context.warn(warning)
  await context.print(dataSourceView(answer))
}

const EXAMPLES = `
Allowed changes: notStarted to inProgress, inProgress to completed or failed,
failed to inProgress, and any status back to notStarted. A data source that has
the status already stays unchanged; failed with another --error replaces it.

Examples:
  dsctl onboarding Sales inProgress
  dsctl onboarding Sales failed --error "The warehouse does not exist yet."
`
