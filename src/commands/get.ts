import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { DsctlError } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import type { WithCredentials } from '../operations/credentials.ts'
import { get } from '../operations/get.ts'
import type { Stores } from '../operations/stores.ts'
import { dataSourcesView, dataSourceView } from '../views/data-source.ts'

/** `dsctl get REF...`. */
export function define(command: Command, context: Context): void {
  command
    .argument('<ref...>', 'the UUIDs or names of data sources')
    .addHelpText('after', EXAMPLES)
    .action((refs: string[]) => run(context, refs))
}

async function run(context: Context, refs: readonly string[]): Promise<void> {
  const stores = await context.stores(MAY.read)
  const [only = '', ...others] = refs
  if (others.length) return showSeveral(context, stores, refs)
  await context.print(dataSourceView(await read(context, stores, only)))
}

async function read(context: Context, stores: Stores, text: string): Promise<WithCredentials> {
  const settings = context.settings()
  const audit = settings.get('audit.reads') !== 'off'
  const answer = await get(stores, { text, env: settings.get('env') }, { audit })
  for (const warning of answer.warnings) context.warn(warning)
  return answer
}

/**
 * Shows the data sources that exist. For each REF that cannot be shown it prints a warning, and the command exits 8.
 */
async function showSeveral(context: Context, stores: Stores, refs: readonly string[]): Promise<void> {
  const found: WithCredentials[] = []
  for (const ref of refs) {
    try {
      found.push(await read(context, stores, ref))
    } catch (error) {
      if (!(error instanceof DsctlError) || !['not_found', 'invalid'].includes(error.code)) throw error
      context.warn(error.message)
    }
  }
  await context.print(dataSourcesView(found))
  const missing = refs.length - found.length
  if (missing) throw new DsctlError('unhealthy', `${missing} of ${refs.length} could not be shown.`)
}

const EXAMPLES = `
Secrets are always shown as [REDACTED]. With one REF, -o json prints an object;
with several, an array of those that exist.

Examples:
  dsctl get Sales --env production
  dsctl get Sales Orders --env production -o json
  dsctl get 123e4567-e89b-12d3-a456-426614174000 -o json
`
