import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { DsctlError } from '../domain/errors.ts'
import { plansOf, prepareBatch } from '../requests/batch-request.ts'
import { allowFrom, fileOption } from '../requests/field-options.ts'
import { answerHasNo } from '../requests/unsupported-format.ts'
import { differencesView, findDifferences } from '../views/apply-results.ts'

/** `dsctl diff -f FILE...`. */
export function define(command: Command, context: Context, args: readonly string[]): void {
  command
    .addOption(fileOption('requests in JSON or YAML: files, folders, - for standard input', true).makeOptionMandatory())
    .option('--prune', 'also what is in no file, within --env (which may be given several times)')
    .option('--prune-all', 'the same in every env')
    .option('--prune-max <n>', 'warn of more than so many, which apply would refuse (default: 10)')
    .option('--parallel <n>', 'how many at a time (default: 16)')
    .addOption(allowFrom())
    .addHelpText('after', EXAMPLES)
    .action(() => run(context, args))
}

async function run(context: Context, args: readonly string[]): Promise<void> {
  answerHasNo(context, 'id')
  const batch = await prepareBatch(context, args, 'diff')
  const { items, superfluous } = batch
  const differences = findDifferences(items, await plansOf(context, batch), superfluous)
  await context.print(differencesView(differences))
  if (differences.length === 0) return context.note('No difference.')
  throw new DsctlError('different', `${differences.length} of ${items.length + superfluous.length} differ.`)
}

const EXAMPLES = `
Shows field by field what apply would do; of a secret only that it differs.
Exits 9 where anything does.

Examples:
  dsctl diff -f sources/ --env production
  dsctl diff -f sources.yaml -o json
`
