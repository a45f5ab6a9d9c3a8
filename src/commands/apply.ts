import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { acceptSeveralEnvs } from '../cli/repeatable.ts'
import { allowFromOption, allowPlaceholderOption, filesOption } from '../cli/request-options.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { DsctlError } from '../domain/errors.ts'
import { type ApplyResult, applyBatch } from '../operations/batch/apply.ts'
import { planItems } from '../operations/batch/plan.ts'
import { isFailed } from '../operations/batch/run-items.ts'
import { interruptionError } from '../operations/interruption.ts'
import type { BatchOptions } from '../requests/batch-options.ts'
import { confirm } from '../requests/wizard/confirm.ts'
import { withProgress } from '../terminal/progress.ts'
import { applyResultsView, differencesView, findDifferences } from '../views/apply-results.ts'
import { type PreparedBatch, prepareBatch } from './steps/prepare-batch.ts'
import { openVerification, type VerifyOptions } from './steps/testing.ts'

interface Options extends BatchOptions, VerifyOptions {
  readonly yes?: boolean
  readonly dryRun?: boolean
}

/** `dsctl apply -f FILE...`. */
export function define(command: Command, context: Context): void {
  acceptSeveralEnvs(command)
  command
    .addOption(filesOption('requests in JSON or YAML: files, folders, - for standard input').makeOptionMandatory())
    .option('--prune', 'delete data sources that no file contains, within --env (repeatable)')
    .option('--prune-all', 'delete data sources that no file contains, in every env')
    .option('--prune-max <n>', 'maximum number of deletions (default: 10)')
    .option('--yes', 'delete without asking')
    .option('--parallel <n>', 'how many items to process at once (default: 16)')
    .option('--verify', 'test each connection first, and do not write an item whose test fails')
    .option('--accept-host-key', 'with --verify: accept and store unknown jump host keys')
    .option('--dry-run', 'show the differences, as diff does, and write nothing')
    .addOption(allowFromOption())
    .addOption(allowPlaceholderOption())
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => (options.dryRun ? preview(context, options) : run(context, options)))
}

async function run(context: Context, options: Options): Promise<void> {
  context.readOnlyUntilCommit()
  const batch = await prepareBatch(context, options, 'apply')
  await confirmPrune(context, batch, options)
  const result = await apply(context, batch, options)
  const view = applyResultsView(result.applied)
  context.changed = view.summary === undefined ? undefined : { text: view.summary }
  await context.print(view)
  throwIfFailed(context, batch, result)
}

async function preview(context: Context, options: Options): Promise<void> {
  const format = formatWithout(context, 'id')
  context.readOnlyUntilCommit()
  const batch = await prepareBatch(context, options, 'diff')
  const differences = findDifferences(
    batch.items,
    await planItems(batch.stores, batch.items, batch),
    batch.pruneTargets,
  )
  if (differences.length === 0) context.note('No differences.')
  await context.print(differencesView(differences), format)
}

async function confirmPrune(context: Context, { pruneTargets }: PreparedBatch, { yes }: Options): Promise<void> {
  if (pruneTargets.length === 0) return
  const names = pruneTargets.map(({ name, env }) => `${name} (${env})`).join(', ')
  const unattended = `Deleting cannot be undone, and there is no terminal to confirm: ${names}.`
  await confirm(context, { yes, question: `Delete ${names}?`, unattended })
}

async function apply(context: Context, batch: PreparedBatch, options: Options): Promise<ApplyResult> {
  const { stores, items, pruneTargets, existing, parallel } = batch
  const testing = await openVerification(context, options)
  const total = items.length + pruneTargets.length
  return withProgress(context.streams, `Applying ${total}`, progress => {
    const onProgress = (done: number) => progress.update(`Applied ${done} of ${total}`)
    return context.uninterruptible(() =>
      applyBatch(stores, { items, pruneTargets }, { existing, parallel, testing, onProgress }),
    )
  })
}

function throwIfFailed(context: Context, { stores }: PreparedBatch, { applied, pruneSkipped }: ApplyResult): void {
  const failed = applied.filter(isFailed).length
  const stopped = stores.interrupted()
  if (stopped && (failed || pruneSkipped)) {
    throw interruptionError(
      stopped,
      `${pruneSkipped ? 'nothing was pruned. Run' : 'run'} the command again to continue.`,
    )
  }
  if (failed === 0) return
  if (pruneSkipped) context.warn('Nothing was pruned, because an item failed.')
  throw new DsctlError('unhealthy', `${failed} of ${applied.length} failed.`, {
    hint: 'Run the command again to continue.',
  })
}

const EXAMPLES = `
Creates missing data sources, updates those that differ, and leaves the rest
unchanged. A field that a request omits keeps its value. After a failure, run
the command again to continue.

Examples:
  dsctl apply -f sources/ --env production
  dsctl apply -f sources.yaml --dry-run
  dsctl apply -f sources/ --env production --prune --yes
`
