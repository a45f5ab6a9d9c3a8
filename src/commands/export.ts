import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { acceptSeveralEnvs } from '../cli/repeatable.ts'
import { typesOption } from '../cli/request-options.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { DsctlError, invalid } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import { exportAll } from '../operations/batch/export.ts'
import { checkEnv } from '../source-types/check-name.ts'
import { withProgress } from '../terminal/progress.ts'
import { noMatchText, noteEnvOfSettings, readFilter } from './steps/select.ts'

interface Options {
  readonly type?: readonly string[]
  readonly toEnv?: string
}

/** `dsctl export`. */
export function define(command: Command, context: Context): void {
  acceptSeveralEnvs(command)
  command
    .addOption(typesOption('only data sources of this type'))
    .option('--to-env <env>', 'write requests for another env, with variables in place of secrets')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => run(context, options))
}

async function run(context: Context, options: Options): Promise<void> {
  const format = formatWithout(context, 'id')
  const toEnv = readTargetEnv(options.toEnv)
  const filter = readFilter(context, options.type)
  const stores = await context.stores(MAY.change)
  let leftOut: readonly string[] = []
  await withProgress(context.streams, 'Exporting', progress => {
    let found = 0
    const onProgress = (done: number, total: number) => {
      found = total
      progress.update(`Exported ${done} of ${total}`)
    }
    const exportOptions = { ...filter, toEnv, onProgress, warn: context.warn }
    // Each data source that was found but left out has already caused a warning.
    const empty = async () => `Nothing to export.${found ? '' : ` ${await noMatchText(stores, filter)}`}`
    return context.print(
      {
        kind: 'documents',
        forEachPage: async write => {
          leftOut = await exportAll(stores, exportOptions, write)
        },
        empty,
      },
      format,
    )
  })
  noteEnvOfSettings(context)
  if (leftOut.length) {
    throw incompleteError(leftOut)
  }
}

/** The warnings have named each already. */
function incompleteError(leftOut: readonly string[]): DsctlError {
  const more = leftOut.length - MAX_NAMED
  const names = [...leftOut.slice(0, MAX_NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
  return new DsctlError('unhealthy', `The export is incomplete. Left out: ${names}.`, {
    hint: 'Run dsctl doctor --deep to see what is wrong with the secrets, and dsctl update to write one again.',
  })
}

const MAX_NAMED = 10

function readTargetEnv(toEnv: string | undefined): string | undefined {
  if (toEnv === undefined) return undefined
  const checked = checkEnv(toEnv)
  if ('value' in checked) return checked.value
  throw invalid('Invalid command line.', [{ ...checked.problem, field: 'to-env' }])
}

const EXAMPLES = `
Writes requests that are safe to commit. Each secret is a reference to the
stored secret, not a backup of it. dsctl apply reports no changes for them.

--type and --env can be repeated. A data source then matches if it has any of
the values.

Examples:
  dsctl export --env production > production.yaml
  dsctl export --env dev --to-env staging -o json > staging.json
`
