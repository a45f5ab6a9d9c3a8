import type { InputContext } from '../cli/context.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import { stringify } from '../lib/stringify.ts'
import { isUuid } from '../lib/uuid.ts'
import type { Ref } from '../ports/lookup.ts'
import { checkEnv, checkName } from '../source-types/check-name.ts'
import { type BatchDocument, readBatchFiles } from './batch-files.ts'

/** Returns the data sources to delete, either from REFs, without duplicates, or from files. Throws `invalid`. */
export async function readDeleteRefs(
  context: InputContext,
  refs: readonly string[],
  files: readonly string[] = [],
): Promise<readonly Ref[]> {
  if (refs.length && files.length) throw usageError('Pass either REFs or -f, not both.')
  if (refs.length === 0 && files.length === 0) throw usageError('Nothing to delete.')
  const env = context.settings().get('env')
  if (refs.length) return [...new Set(refs)].map(text => ({ text, env }))
  const documents = await readBatchFiles(files, context.readStdin)
  const only = context.options.env === undefined ? undefined : env
  const read = documents.map(document => readRef(document, { env, only }))
  const problems = [...read.flatMap(({ problems }) => problems), ...duplicates(documents, read)]
  if (problems.length) throw invalid('Invalid batch. Nothing was deleted.', problems)
  return read.map(({ ref }) => ref)
}

interface Envs {
  /** The env of documents that have none. */
  readonly env: string | undefined
  /** The env that all documents must have, if `--env` is given. */
  readonly only: string | undefined
}

/** Reads a request, or any output with an id, such as that of `get` or `list`. Only its name, env and id are read. */
function readRef({ raw, where }: BatchDocument, { env, only }: Envs): { ref: Ref; problems: readonly FieldProblem[] } {
  const at = (problem: FieldProblem) => ({ ...problem, item: where })
  const own = raw.env ?? env
  const isOutside = only !== undefined && own !== only
  const outside = isOutside ? [at({ field: 'env', message: `is ${stringify(own)}, but --env is ${only}` })] : []
  if (raw.id !== undefined) {
    const isValid = typeof raw.id === 'string' && isUuid(raw.id)
    const problems = isValid ? outside : [at({ field: 'id', message: 'must be a UUID' }), ...outside]
    return { ref: { text: stringify(raw.id), env: undefined }, problems }
  }
  const [name, checked] = [checkName(raw.name), checkEnv(own)]
  const problems = [name, checked].flatMap(each => ('problem' in each ? [at(each.problem)] : []))
  const ref = { text: 'value' in name ? name.value : '', env: 'value' in checked ? checked.value : undefined }
  return { ref, problems: [...problems, ...outside] }
}

function duplicates(documents: readonly BatchDocument[], read: readonly { ref: Ref }[]): readonly FieldProblem[] {
  const first = new Map<string, string>()
  return read.flatMap(({ ref }, at) => {
    const [key, where = ''] = [JSON.stringify([ref.text, ref.env]), documents[at]?.where]
    const earlier = first.get(key)
    if (earlier === undefined) first.set(key, where)
    return earlier === undefined ? [] : [{ field: where, message: `appears twice: also in ${earlier}` }]
  })
}

function usageError(message: string) {
  return invalid(message, [], 'Pass names or UUIDs, or -f with files. Run dsctl delete --help to see examples.')
}
