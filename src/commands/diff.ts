import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { acceptSeveralEnvs } from '../cli/repeatable.ts'
import { allowFromOption, allowPlaceholderOption, filesOption } from '../cli/request-options.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { DsctlError } from '../domain/errors.ts'
import { planItems } from '../operations/batch/plan.ts'
import type { BatchOptions } from '../requests/batch-options.ts'
import { differencesView, findDifferences } from '../views/apply-results.ts'
import { prepareBatch } from './steps/prepare-batch.ts'

/** `dsctl diff -f FILE...`. */
export function define(command: Command, context: Context): void {
  acceptSeveralEnvs(command)
  command
    .addOption(filesOption('requests in JSON or YAML: files, folders, - for standard input').makeOptionMandatory())
    .option('--prune', 'also show what apply --prune would delete: data sources in --env that no file contains')
    .option(
      '--prune-all',
      'also show what apply --prune-all would delete: data sources in any env that no file contains',
    )
    .option('--prune-max <n>', 'warn if there are more deletions than this; apply would refuse them (default: 10)')
    .option('--parallel <n>', 'how many items to compare at once (default: 16)')
    .addOption(allowFromOption())
    .addOption(allowPlaceholderOption())
    .addHelpText('after', EXAMPLES)
    .action((options: BatchOptions) => run(context, options))
}

async function run(context: Context, options: BatchOptions): Promise<void> {
  const format = formatWithout(context, 'id')
  const batch = await prepareBatch(context, options, 'diff')
  const { stores, items, pruneTargets } = batch
  const differences = findDifferences(items, await planItems(stores, items, batch), pruneTargets)
  await context.print(differencesView(differences), format)
  if (differences.length === 0) return context.note('No differences.')
  throw new DsctlError('different', `${differences.length} of ${items.length + pruneTargets.length} differ.`)
}

const EXAMPLES = `
Shows, field by field, what apply would do. For a secret, it shows only that the
value differs. Exits with code 9 if anything differs.

Examples:
  dsctl diff -f sources/ --env production
  dsctl diff -f sources.yaml -o json
`
