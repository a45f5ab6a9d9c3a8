import type { Context } from '../cli/context.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import { stringify } from '../lib/stringify.ts'
import { isUuid } from '../lib/uuid.ts'
import { permitted } from '../operations/authorize.ts'
import { isNotFound } from '../operations/delete-many.ts'
import type { Stores } from '../operations/stores.ts'
import type { Ref } from '../ports/lookup.ts'
import { checkEnv, checkName } from '../source-types/check-name.ts'
import type { Prompter } from '../terminal/prompter.ts'
import { type BatchDocument, readBatchFiles } from './batch-files.ts'

/** What the command line names: REFs, each once, or with `-f` what stands in files. Throws `invalid`, all at once. */
export async function refsToDelete(context: Context, refs: readonly string[]): Promise<readonly Ref[]> {
  const { file, env: flag } = context.flags
  const files = Array.isArray(file) ? file.map(String) : []
  if (refs.length && files.length) throw notLikeThis('REFs and -f do not go together.')
  if (refs.length === 0 && files.length === 0) throw notLikeThis('There is nothing to delete.')
  const env = context.settings().get('env')
  if (refs.length) return [...new Set(refs)].map(text => ({ text, env }))
  const documents = await readBatchFiles(files, context.readStdin)
  const read = documents.map(document => readRef(document, { env, only: flag === undefined ? undefined : env }))
  const problems = [...read.flatMap(({ problems }) => problems), ...twice(documents, read)]
  if (problems.length) throw invalid('The batch cannot be used like this. Nothing was deleted.', problems)
  return read.map(({ ref }) => ref)
}

/** Who is to be asked whether these may go; nobody with `--yes`. Throws `invalid` where nobody can be. */
export async function askerOfDeletes(context: Context): Promise<Prompter | undefined> {
  if (context.flags.yes === true) return undefined
  const prompter = await context.prompter()
  if (prompter) return prompter
  throw invalid('A delete is for good, and nobody can be asked here.', [], 'Say --yes.')
}

/** How many names are looked up and shown before one is asked whether they may go. */
const MOST_SHOWN = 20

/** Asks whether these may go: the name of each REF is typed, or of what a file names how many they are. */
export async function confirmDeletes(
  context: Context,
  prompter: Prompter,
  { stores, refs, fromFile }: { stores: Stores; refs: readonly Ref[]; fromFile: boolean },
): Promise<void> {
  const several = fromFile && refs.length > 1
  const shown: string[] = []
  for (const ref of several ? refs.slice(0, MOST_SHOWN) : refs) {
    const found = await find(context, stores, ref)
    if (several) shown.push(found ? `${found.name} (${found.env})` : `${ref.text} (not there)`)
    else if (found) await prompter.askName(`Delete ${found.name} (${found.env}, ${found.type})?`, found.name)
  }
  if (!several) return
  const more = refs.length - shown.length
  context.note(`To be deleted: ${shown.join(', ')}${more ? ` and ${more} more` : ''}.`)
  await prompter.askName(`Delete all ${refs.length}?`, String(refs.length))
}

async function find({ flags }: Context, stores: Stores, ref: Ref) {
  try {
    return permitted(await stores.records.find(stores.caller, ref), ref.text).record
  } catch (error) {
    if (isNotFound(error) && flags.ignoreNotFound === true) return undefined
    throw error
  }
}

interface Envs {
  /** For what names none. */
  readonly env: string | undefined
  /** Where all have to be in this one. */
  readonly only: string | undefined
}

/** A request, or any answer that has the id: that of `get`, of `list`. Nothing else in it is looked at. */
function readRef({ raw, where }: BatchDocument, { env, only }: Envs): { ref: Ref; problems: readonly FieldProblem[] } {
  const at = ({ field, message }: FieldProblem) => ({ field: `${where}, ${field}`, message })
  const own = raw.env ?? env
  const elsewhere = only !== undefined && own !== only
  const other = elsewhere ? [at({ field: 'env', message: `is ${stringify(own)}, and --env says ${only}` })] : []
  if (raw.id !== undefined) {
    const problems =
      typeof raw.id === 'string' && isUuid(raw.id) ? other : [at({ field: 'id', message: 'must be a UUID' }), ...other]
    return { ref: { text: stringify(raw.id), env: undefined }, problems }
  }
  const [name, checked] = [checkName(raw.name), checkEnv(own)]
  const problems = [name, checked].flatMap(each => ('problem' in each ? [at(each.problem)] : []))
  const ref = { text: 'value' in name ? name.value : '', env: 'value' in checked ? checked.value : undefined }
  return { ref, problems: [...problems, ...other] }
}

function twice(documents: readonly BatchDocument[], read: readonly { ref: Ref }[]): readonly FieldProblem[] {
  const first = new Map<string, string>()
  return read.flatMap(({ ref }, at) => {
    const [key, where = ''] = [JSON.stringify([ref.text, ref.env]), documents[at]?.where]
    const earlier = first.get(key)
    if (earlier === undefined) first.set(key, where)
    return earlier === undefined ? [] : [{ field: where, message: `stands there twice: also in ${earlier}` }]
  })
}

function notLikeThis(message: string) {
  return invalid(message, [], 'Name data sources, or -f FILE that does: dsctl delete --help.')
}
