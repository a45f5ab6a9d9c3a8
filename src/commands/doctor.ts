import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { DsctlError } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import { examine } from '../operations/doctor/doctor.ts'
import { withProgress } from '../terminal/progress.ts'
import { findingsView } from '../views/findings.ts'

interface Options {
  readonly fix?: boolean
  readonly deep?: boolean
}

/** `dsctl doctor`. */
export function define(command: Command, context: Context): void {
  command
    .option('--fix', 'settle unfinished operations, and remove secrets left by deletes and failed creates')
    .option('--deep', 'read every secret and check it against its type')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => run(context, options))
}

async function run(context: Context, { fix = false, deep = false }: Options): Promise<void> {
  const format = formatWithout(context, 'name', 'id')
  const stores = await context.stores(MAY.change)
  const [health, setup] = await Promise.all([context.health(), context.setup()])
  const findings = await withProgress(context.streams, 'Comparing records and secrets', progress =>
    examine({
      ...{ stores, health, setup, fix, deep, uninterruptible: context.uninterruptible },
      checkVault: organizationId => context.checkVault(organizationId),
      onProgress: (compared, total) => progress.update(`Compared ${compared} of ${total} records`, compared / total),
    }),
  )
  await context.print(findingsView(findings), format)
  const problems = findings.filter(({ status }) => status === 'problem').length
  if (problems) throw new DsctlError('unhealthy', `${problems} of ${findings.length} checks found a problem.`)
}

const EXAMPLES = `
Checks one organization. Exits with code 8 if a check finds a problem.

Examples:
  dsctl doctor
  dsctl doctor --fix
  dsctl doctor --deep -o json
`
