import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { invalid } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import { exportAll } from '../operations/batch/export.ts'
import { typeOption } from '../requests/field-options.ts'
import { answerHasNo } from '../requests/unsupported-format.ts'
import { checkEnv } from '../source-types/check-name.ts'
import { getSourceType } from '../source-types/index.ts'
import { withProgress } from '../terminal/progress.ts'

/** `dsctl export`. */
export function define(command: Command, context: Context): void {
  command
    .addOption(typeOption('only those of this type'))
    .option('--to-env <env>', 'requests for another env, with variables for the secrets to fill in')
    .addHelpText('after', EXAMPLES)
    .action(() => run(context))
}

async function run(context: Context): Promise<void> {
  answerHasNo(context, 'id')
  const { type, toEnv } = context.flags
  const checked = toEnv === undefined ? undefined : checkEnv(toEnv)
  if (checked && 'problem' in checked) {
    throw invalid('It cannot be exported like this.', [{ ...checked.problem, field: 'to-env' }])
  }
  const typeName = type === undefined ? undefined : getSourceType(type).name
  const stores = await context.stores(MAY.change)
  await withProgress(context.streams, 'Exporting', progress => {
    const how = {
      type: typeName,
      env: context.settings().get('env'),
      toEnv: checked?.value,
      told: (done: number, of: number) => progress.update(`Exported ${done} of ${of}`),
      warn: context.warn,
    }
    const empty = `There is nothing to export${how.env === undefined ? '' : ` in env ${how.env}`}.`
    return context.print({ kind: 'documents', forEachPage: take => exportAll(stores, how, take), empty })
  })
}

const EXAMPLES = `
Writes requests that are safe to commit: each secret is a reference to the one
that is live, not a backup of it. dsctl apply takes them back as unchanged.

Examples:
  dsctl export --env production > production.yaml
  dsctl export --env dev --to-env staging -o json > staging.json
`
