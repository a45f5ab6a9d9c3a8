import { type Command, Option } from 'commander'
import type { Context } from '../cli/context.ts'
import { DsctlError } from '../domain/errors.ts'
import { applyBatch } from '../operations/batch/apply.ts'
import { isFailed } from '../operations/batch/run-items.ts'
import { interruptionError } from '../operations/interruption.ts'
import { type PreparedBatch, parallelOf, plansOf, prepareBatch } from '../requests/batch-request.ts'
import { allowFrom, fileOption } from '../requests/field-options.ts'
import { answerHasNo } from '../requests/unsupported-format.ts'
import { verifying } from '../requests/verify-option.ts'
import { confirm } from '../requests/wizard/confirm.ts'
import { withProgress } from '../terminal/progress.ts'
import { applyResultsView, differencesView, findDifferences } from '../views/apply-results.ts'

/** `dsctl apply -f FILE...`. */
export function define(command: Command, context: Context, args: readonly string[]): void {
  command
    .addOption(fileOption('requests in JSON or YAML: files, folders, - for standard input', true).makeOptionMandatory())
    .option('--prune', 'delete what is in no file, within --env (which may be given several times)')
    .option('--prune-all', 'the same in every env')
    .option('--prune-max <n>', 'delete no more than so many (default: 10)')
    .addOption(new Option('--yes', 'do not ask before a prune'))
    .option('--parallel <n>', 'how many at a time (default: 16)')
    .option('--verify', 'test each connection first, and write nothing that does not pass')
    .option('--accept-host-key', 'with --verify: take and store the key of a jump host that has none stored')
    .option('--dry-run', 'show what would be done, as diff does, and write nothing')
    .addOption(allowFrom())
    .addHelpText('after', EXAMPLES)
    .action(() => run(context, args))
}

async function run(context: Context, args: readonly string[]): Promise<void> {
  const dryRun = context.flags.dryRun === true
  if (dryRun) answerHasNo(context, 'id')
  context.readOnlyUntilCommit()
  const batch = await prepareBatch(context, args, dryRun ? 'diff' : 'apply')
  if (dryRun) return preview(context, batch)
  const parallel = parallelOf(context)
  if (batch.superfluous.length) {
    const names = batch.superfluous.map(({ name, env }) => `${name} (${env})`).join(', ')
    await confirm(context, `Delete ${names}?`, `A delete is for good, and nobody can be asked here: ${names}.`)
  }
  const { stores, items, existing, superfluous } = batch
  const testing = await verifying(context)
  const all = items.length + superfluous.length
  const { applied, pruneSkipped } = await withProgress(context.streams, `Applying ${all}`, progress =>
    context.uninterruptible(() => {
      const onProgress = (done: number) => progress.update(`Applied ${done} of ${all}`)
      return applyBatch(stores, { items, pruneTargets: superfluous }, { existing, parallel, testing, onProgress })
    }),
  )
  const view = applyResultsView(applied)
  context.changed = view.summary === undefined ? undefined : { text: view.summary }
  await context.print(view)
  const count = applied.filter(isFailed).length
  const stopped = stores.interrupted()
  const skipped = pruneSkipped ? 'nothing was pruned. Run it again to continue.' : undefined
  if (stopped && (count || pruneSkipped)) throw interruptionError(stopped, skipped ?? 'run it again to continue.')
  if (count === 0) return
  if (pruneSkipped) context.warn('Nothing was pruned, because an item failed.')
  throw new DsctlError('unhealthy', `${count} of ${applied.length} failed.`, { hint: 'Run it again to continue.' })
}

async function preview(context: Context, batch: PreparedBatch): Promise<void> {
  const differences = findDifferences(batch.items, await plansOf(context, batch), batch.superfluous)
  if (differences.length === 0) context.note('Nothing would change.')
  await context.print(differencesView(differences))
}

const EXAMPLES = `
Creates what is missing, changes what differs, leaves the rest. A field that a
request leaves out stays as it is. Run it again to go on after a failure.

Examples:
  dsctl apply -f sources/ --env production
  dsctl apply -f sources.yaml --dry-run
  dsctl apply -f sources/ --env production --prune --yes
`
