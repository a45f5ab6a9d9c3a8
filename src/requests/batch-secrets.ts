import type { InputContext } from '../cli/context.ts'
import { keyOf } from '../domain/data-source.ts'
import type { FieldProblem } from '../domain/errors.ts'
import { pickSecrets } from '../domain/secret.ts'
import type { BatchItem } from '../operations/batch/item.ts'
import type { NamedRecord } from '../ports/records.ts'
import { checkPassphrases } from '../source-types/check-passphrases.ts'
import { parseFields } from '../source-types/parse-fields.ts'
import type { PlaceholderOptions } from './allow-placeholders.ts'
import type { BatchRequest } from './batch.ts'
import { batchError, FIELDS_HINT, problemIn } from './batch-error.ts'
import { checkSources, hasSources } from './check-sources.ts'
import { fetchSecrets, type SourceReaders, sourceReaders } from './fetch-secrets.ts'
import { keepOwnSecrets } from './keep-own-secrets.ts'

/**
 * Fetches every secret of a batch and returns its items. Call this only after checking that the batch is permitted.
 * Throws `invalid` with the problems of all requests.
 */
export async function fetchBatchSecrets(
  context: InputContext,
  requests: readonly BatchRequest[],
  options: FetchOptions,
): Promise<readonly BatchItem[]> {
  const readersOf = readersByFile(context, options)
  const pending = requests.map(request => prepareFetch(request, readersOf(request), options))
  const refused = pending.flatMap(({ request, fields, readers }) =>
    readers ? checkSources(fields, readers.policy).map(problem => problemIn(request, problem)) : [],
  )
  if (refused.length) throw batchError('invalid', refused, FIELDS_HINT)
  const problems: FieldProblem[] = []
  const items: BatchItem[] = []
  for (const each of pending) {
    const { request } = each
    const fetched = await fetchFields(each)
    const fields = pickSecrets(fetched.fields)
    // An update is checked later, together with the stored secret.
    const passphrases = options.existing.has(keyOf(request)) ? [] : await checkPassphrases(request.type, fields)
    problems.push(...[...fetched.problems, ...passphrases].map(problem => problemIn(request, problem)))
    items.push({ name: request.name, env: request.env, type: request.type.name, fields })
  }
  if (problems.length) throw batchError('invalid', problems, FIELDS_HINT)
  return items
}

interface FetchOptions extends PlaceholderOptions {
  /** The records that exist, by `keyOf`. */
  readonly existing: ReadonlyMap<string, NamedRecord>
  readonly pathOf: (record: NamedRecord) => string
  readonly allowFrom: readonly string[] | undefined
}

/** The policy for secret sources depends on the request file. */
function readersByFile(
  context: InputContext,
  { allowFrom, allowPlaceholder }: FetchOptions,
): (request: BatchRequest) => SourceReaders | undefined {
  const known = new Map<string, SourceReaders>()
  return ({ file, fields }) => {
    if (!hasSources(fields)) return undefined
    const readers = known.get(file) ?? sourceReaders(context, { file, allowFrom, allowPlaceholder })
    known.set(file, readers)
    return readers
  }
}

interface PendingRequest {
  readonly request: BatchRequest
  readonly fields: Readonly<Record<string, unknown>>
  /** Undefined if no secret has to be fetched. */
  readonly readers: SourceReaders | undefined
  readonly mode: 'create' | 'update'
}

function prepareFetch(
  request: BatchRequest,
  readers: SourceReaders | undefined,
  { existing, pathOf }: FetchOptions,
): PendingRequest {
  const { type, fields } = request
  const record = existing.get(keyOf(request))
  if (!record || !readers) return { request, fields, readers, mode: 'create' }
  return { request, fields: keepOwnSecrets(fields, { type, path: pathOf(record) }), readers, mode: 'update' }
}

async function fetchFields({ request, fields, readers, mode }: PendingRequest) {
  if (!readers) return { fields, problems: [] } // all values have been validated
  const fetched = await fetchSecrets(fields, readers)
  const { given, problems } = parseFields(request.type, fetched.fields, mode)
  return { fields: given, problems: [...fetched.problems, ...problems] }
}
