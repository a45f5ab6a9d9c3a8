import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { DsctlError } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import { examine } from '../operations/doctor/doctor.ts'
import { answerHasNo } from '../requests/unsupported-format.ts'
import { withProgress } from '../terminal/progress.ts'

/** `dsctl doctor`. */
export function define(command: Command, context: Context): void {
  command
    .option('--fix', 'settle what is unfinished, and remove what is owed')
    .option('--deep', 'read every secret and check it against its type')
    .addHelpText('after', EXAMPLES)
    .action(() => run(context))
}

async function run(context: Context): Promise<void> {
  answerHasNo(context, 'name', 'id')
  const { fix, deep } = context.flags
  const stores = await context.stores(MAY.change)
  const [health, setup] = await Promise.all([context.health(), context.setup()])
  const findings = await withProgress(context.streams, 'Comparing records and secrets', progress =>
    examine({
      ...{ stores, health, setup, fix: fix === true, deep: deep === true, unbroken: context.uninterruptible },
      checkVault: organizationId => context.checkVault(organizationId),
      progress: (compared, of) => progress.update(`Compared ${compared} of ${of} records`, compared / of),
    }),
  )
  await context.print({
    kind: 'list',
    data: findings,
    empty: '',
    blocks: true,
    columns: [
      { title: 'CHECK', value: finding => finding.check, fixed: true },
      { title: 'STATUS', value: ({ status }) => ({ text: status, tone: TONES[status] }), fixed: true },
      { title: 'MESSAGE', value: finding => finding.message },
      { title: 'WHAT TO DO', value: finding => finding.fix },
    ],
  })
  const problems = findings.filter(({ status }) => status === 'problem').length
  if (problems) throw new DsctlError('unhealthy', `${problems} of ${findings.length} checks found a problem.`)
}

const TONES = { ok: 'good', warning: 'warning', problem: 'bad' } as const

const EXAMPLES = `
Looks at one organization. Exits 8 where a check found a problem.

Examples:
  dsctl doctor
  dsctl doctor --fix
  dsctl doctor --deep -o json
`
