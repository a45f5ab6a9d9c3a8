import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { outputFormat } from '../cli/global-options.ts'
import { filesOption } from '../cli/request-options.ts'
import { DsctlError } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import { canDelete, deleteDataSource, refuseDelete } from '../operations/delete.ts'
import { type DeleteResult, deleteMany, findToDelete, isNotFound } from '../operations/delete-many.ts'
import { interruptionError } from '../operations/interruption.ts'
import type { Stores } from '../operations/stores.ts'
import type { Ref } from '../ports/lookup.ts'
import { readDeleteRefs } from '../requests/delete-request.ts'
import { confirmDeletes, confirmManyDeletes, deletePrompter, MAX_LISTED } from '../requests/wizard/confirm-delete.ts'
import { withProgress } from '../terminal/progress.ts'
import type { Prompter } from '../terminal/prompter.ts'
import { deleteResultsView } from '../views/delete-results.ts'

interface Options {
  readonly file?: readonly string[]
  readonly yes?: boolean
  readonly ignoreNotFound?: boolean
}

/** `dsctl delete REF...`, or `-f FILE...`. */
export function define(command: Command, context: Context): void {
  command
    .argument('[ref...]', 'the UUIDs or names of data sources')
    .addOption(filesOption('files or folders with requests, or with output that has ids; - for standard input'))
    .option('--yes', 'delete without asking')
    .option('--ignore-not-found', 'do not fail if a data source does not exist')
    .addHelpText('after', EXAMPLES)
    .action((refs: string[], options: Options) => run(context, refs, options))
}

async function run(context: Context, given: readonly string[], options: Options): Promise<void> {
  context.readOnlyUntilCommit()
  const refs = await readDeleteRefs(context, given, options.file)
  const prompter = await deletePrompter(context, options)
  const stores = await openStores(context, refs)
  if (prompter) await confirmDelete({ context, stores, options }, prompter, refs)
  const [first] = refs
  if (first && refs.length === 1 && !options.file) return deleteOne({ context, stores, options }, first)
  const results = await deleteAll({ context, stores, options }, refs)
  const view = deleteResultsView(results, options.file !== undefined)
  context.changed = view.summary === undefined ? undefined : { text: view.summary }
  await context.print(view)
  throwIfFailed(stores, results)
}

interface Deletion {
  readonly context: Context
  readonly stores: Stores
  readonly options: Options
}

/** Opens the stores. Throws if the Vault token may not delete secrets. */
async function openStores(context: Context, [first]: readonly Ref[]): Promise<Stores> {
  let deletable = true
  const stores = await context.stores(MAY.change, async opened => {
    deletable = await canDelete(opened)
  })
  if (first && !deletable) await refuseDelete(stores, first)
  return stores
}

async function confirmDelete({ stores, options }: Deletion, prompter: Prompter, refs: readonly Ref[]): Promise<void> {
  const asksOnce = options.file !== undefined && refs.length > 1
  const listItem = asksOnce ? refs.slice(0, MAX_LISTED) : refs
  const found = await findToDelete(stores, listItem, { ignoreNotFound: options.ignoreNotFound === true })
  if (asksOnce) await confirmManyDeletes(prompter, refs, found)
  else await confirmDeletes(prompter, found)
}

/** Deletes one REF. JSON and YAML have the same array as for several; an error is the error of the command. */
async function deleteOne(deletion: Deletion, ref: Ref): Promise<void> {
  const { context } = deletion
  const isDeleted = await deleteIfFound(deletion, ref)
  const action = isDeleted ? 'deleted' : 'not found'
  if (isDeleted) context.changed = { text: `Deleted ${ref.text}.` }
  const isDocument = ['json', 'yaml'].includes(outputFormat(context.settings()))
  if (isDocument) return context.print(deleteResultsView([{ ref: ref.text, action, error: null }], false))
  context.note(isDeleted ? `Deleted ${ref.text}.` : `There is no data source ${ref.text}.`)
}

/** Whether the data source existed. A missing one is an error unless `--ignore-not-found` is given. */
async function deleteIfFound({ context, stores, options }: Deletion, ref: Ref): Promise<boolean> {
  try {
    await context.uninterruptible(() => deleteDataSource(stores, ref))
    return true
  } catch (error) {
    if (!isNotFound(error) || !options.ignoreNotFound) throw error
    return false
  }
}

function deleteAll({ context, stores, options }: Deletion, refs: readonly Ref[]): Promise<readonly DeleteResult[]> {
  const deleteOptions = { ignoreNotFound: options.ignoreNotFound === true, withEnv: options.file !== undefined }
  return withProgress(context.streams, `Deleting ${refs.length}`, progress => {
    const onProgress = (done: number) => progress.update(`Deleted ${done} of ${refs.length}`)
    return context.uninterruptible(() => deleteMany(stores, refs, { ...deleteOptions, onProgress }))
  })
}

function throwIfFailed(stores: Stores, results: readonly DeleteResult[]): void {
  const failed = results.filter(({ action }) => action === 'failed').length
  if (failed === 0) return
  const stopped = stores.interrupted()
  if (stopped) throw interruptionError(stopped, 'run the command again with --ignore-not-found to continue.')
  throw new DsctlError('unhealthy', `${failed} of ${results.length} data sources could not be deleted.`)
}

const EXAMPLES = `
Deletes the record, and the secret with all its versions. In a file, a data
source is identified by its id or, if it has none, by its name and env. Other
keys are ignored. -o json prints an array of outcomes.

Examples:
  dsctl delete Sales --env dev
  dsctl delete Sales --env dev --yes --ignore-not-found
  dsctl delete -f sources/ --env dev --yes
  dsctl list --env dev --search tmp- --all -o json | dsctl delete -f - --yes
`
