import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { DsctlError } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import { canDelete, deleteDataSource, refuseDelete } from '../operations/delete.ts'
import { deleteMany, isNotFound } from '../operations/delete-many.ts'
import { interruptionError } from '../operations/interruption.ts'
import type { Stores } from '../operations/stores.ts'
import type { Ref } from '../ports/lookup.ts'
import { askerOfDeletes, confirmDeletes, refsToDelete } from '../requests/delete-request.ts'
import { fileOption } from '../requests/field-options.ts'
import { withProgress } from '../terminal/progress.ts'
import { deleteResultsView } from '../views/delete-results.ts'

/** `dsctl delete REF...`, or `-f FILE...`. */
export function define(command: Command, context: Context): void {
  command
    .argument('[ref...]', 'the UUIDs or names of data sources')
    .addOption(fileOption('what stands in requests, or in answers with an id: files, folders, -', true))
    .option('--yes', 'do not ask')
    .option('--ignore-not-found', 'what is not there is as good as deleted')
    .addHelpText('after', EXAMPLES)
    .action((refs: string[]) => run(context, refs))
}

async function run(context: Context, given: readonly string[]): Promise<void> {
  context.readOnlyUntilCommit()
  const refs = await refsToDelete(context, given)
  const prompter = await askerOfDeletes(context)
  let removable = true
  const stores = await context.stores(MAY.change, async open => {
    removable = await canDelete(open)
  })
  const fromFile = given.length === 0
  const [first] = refs
  if (first && !removable) await refuseDelete(stores, first)
  if (prompter) await confirmDeletes(context, prompter, { stores, refs, fromFile })
  if (first && refs.length === 1 && !fromFile) return removeOne(context, stores, first)
  await removeAll(context, stores, { refs, fromFile })
}

async function removeOne(context: Context, stores: Stores, ref: Ref): Promise<void> {
  try {
    await context.uninterruptible(() => deleteDataSource(stores, ref))
    context.note(`Deleted ${ref.text}.`)
  } catch (error) {
    if (!isNotFound(error) || context.flags.ignoreNotFound !== true) throw error
    context.note(`There is no data source ${ref.text}.`)
  }
}

async function removeAll(
  context: Context,
  stores: Stores,
  { refs, fromFile }: { refs: readonly Ref[]; fromFile: boolean },
): Promise<void> {
  const how = { ignoreNotFound: context.flags.ignoreNotFound === true, withEnv: fromFile }
  const outcomes = await withProgress(context.streams, `Deleting ${refs.length}`, progress =>
    context.uninterruptible(() => {
      const told = (done: number) => progress.update(`Deleted ${done} of ${refs.length}`)
      return deleteMany(stores, refs, { ...how, told })
    }),
  )
  const failed = outcomes.filter(({ action }) => action === 'failed').length
  const view = deleteResultsView(outcomes, fromFile)
  context.changed = view.summary === undefined ? undefined : { text: view.summary }
  await context.print(view)
  const stopped = stores.interrupted()
  if (stopped && failed) throw interruptionError(stopped, 'with --ignore-not-found it can be run again.')
  if (failed) throw new DsctlError('unhealthy', `${failed} of ${outcomes.length} could not be deleted.`)
}

const EXAMPLES = `
Removes the record and the secret, with all its versions. What a file names, it
names by name and env, as apply has it, or by its id; the rest is not looked at.

Examples:
  dsctl delete Sales --env dev
  dsctl delete Sales --env dev --yes --ignore-not-found
  dsctl delete -f sources/ --env dev --yes
  dsctl list --env dev --search tmp- --all -o json | dsctl delete -f - --yes
`
