import type { Context } from '../cli/context.ts'
import { DsctlError, type FieldProblem } from '../domain/errors.ts'
import { pickSecrets, REDACTED, Secret, SecretSource } from '../domain/secret.ts'
import { type BatchItem, keyOf } from '../operations/batch/item.ts'
import type { NamedRecord } from '../ports/records.ts'
import { checkEnv, checkName } from '../source-types/check-name.ts'
import { checkRules } from '../source-types/check-rules.ts'
import { findField } from '../source-types/field-names.ts'
import { getSourceType } from '../source-types/index.ts'
import { type GivenFields, parseFields } from '../source-types/parse-fields.ts'
import { parseSecretSource } from '../source-types/secret-source.ts'
import type { SourceType } from '../source-types/source-type.ts'
import { readBatchFiles } from './batch-files.ts'
import { checkSources, fetchSecrets, hasSources, type SourceReaders, sourceReaders } from './fetch-secrets.ts'
import { answerInstead } from './request-file.ts'
import { type Templated, withTemplates } from './template-request.ts'

/** One request of a batch, valid but for its secrets, which are still to be fetched. */
export interface BatchRequest {
  readonly file: string
  readonly where: string
  readonly name: string
  readonly env: string
  readonly type: SourceType
  readonly given: GivenFields
}

/** How many problems are told; the rest is counted. */
const MOST_PROBLEMS = 50

/**
 * Reads and judges all requests of a batch. `env` is for those that name none; where `envs` are given, the others are
 * refused. Throws `invalid` with the problems of all; `not_found` where only templates are missing.
 */
export async function readBatch(
  context: Context,
  files: readonly string[],
  { env, envs, action }: { env: string | undefined; envs: readonly string[]; action: 'apply' | 'diff' },
): Promise<readonly BatchRequest[]> {
  const documents = await withTemplates(context, await readBatchFiles(files, context.readStdin), action)
  const judged = documents.map(document => judge(document, env))
  const requests = judged.flatMap(({ request }) => (request ? [request] : []))
  const ofFields = judged.flatMap(({ problems }) => problems)
  const problems = [
    ...ofFields,
    ...twice(requests),
    ...requests.flatMap(request =>
      envs.length === 0 || envs.includes(request.env)
        ? []
        : [at(request, { field: 'env', message: `is ${request.env}, and --env says ${envs.join(', ')}` })],
    ),
  ]
  const missing = documents.filter(each => each.missing).length
  const hint = ofFields.length ? undefined : 'A data source is meant by its name and env together.'
  if (problems.length) throw refused(problems, problems.length === missing ? 'not_found' : 'invalid', hint)
  return requests
}

/**
 * The requests with every secret fetched; a source that is the field's own stored secret means that it stays. `existing`
 * are the records that are there, by key. Call it once all is valid and permitted.
 */
export async function fetchBatch(
  context: Context,
  requests: readonly BatchRequest[],
  { existing, pathOf }: { existing: ReadonlyMap<string, NamedRecord>; pathOf: (record: NamedRecord) => string },
): Promise<readonly BatchItem[]> {
  const readersOf = readersByFile(context)
  const sources = requests.map(request => {
    const record = existing.get(keyOf(request))
    if (!hasSources(request.given)) return { request }
    const given = record ? keptOwn(request, pathOf(record)) : request.given
    return { request, toFetch: { record, given, readers: readersOf(request.file) } }
  })
  const outOfReach = sources.flatMap(({ request, toFetch }) =>
    toFetch ? checkSources(toFetch.given, toFetch.readers).map(problem => at(request, problem)) : [],
  )
  if (outOfReach.length) throw refused(outOfReach)
  const problems: FieldProblem[] = []
  const items: BatchItem[] = []
  for (const { request, toFetch } of sources) {
    const { type, name, env } = request
    if (!toFetch) {
      items.push({ name, env, type: type.name, fields: pickSecrets(request.given) }) // it was judged with all its values
      continue
    }
    const { record, given, readers } = toFetch
    const fetched = await fetchSecrets(given, readers)
    const read = parseFields(type, fetched.fields, record ? 'update' : 'create')
    problems.push(...[...fetched.problems, ...read.problems].map(problem => at(request, problem)))
    items.push({ name, env, type: type.name, fields: pickSecrets(read.given) })
  }
  if (problems.length) throw refused(problems)
  return items
}

function readersByFile(context: Context): (file: string) => SourceReaders {
  const known = new Map<string, SourceReaders>()
  return file => {
    const readers = known.get(file) ?? sourceReaders(context, file)
    known.set(file, readers)
    return readers
  }
}

function judge(document: Templated, env: string | undefined) {
  const { raw, where, problem = answerInstead(raw) } = document
  return problem
    ? { request: undefined, problems: [at({ where, name: raw.name }, problem)] }
    : judgeWhole(document, env)
}

function judgeWhole(document: Templated, env: string | undefined) {
  const { name: rawName, env: rawEnv, type: rawType, ...fields } = document.raw
  const [name, checkedEnv] = [checkName(rawName), checkEnv(rawEnv ?? env)]
  const type = typeOf(rawType)
  const { given, problems } = 'type' in type ? parseFields(type.type, fields, 'create') : { given: {}, problems: [] }
  const bad = new Set(problems.map(({ field }) => ('type' in type && findField(type.type, field)?.name) || field))
  const whole = 'type' in type ? checkRules(type.type, given).filter(({ field }) => !bad.has(field)) : []
  const all = [
    ...('problem' in name ? [name.problem] : []),
    ...('problem' in checkedEnv ? [checkedEnv.problem] : []),
    ...('problem' in type ? [type.problem] : []),
    ...[...problems, ...whole],
  ]
  const { file, where } = document
  if ('value' in name && 'value' in checkedEnv && 'type' in type && all.length === 0) {
    const request = { file, where, name: name.value, env: checkedEnv.value, type: type.type, given }
    return { request, problems: [] }
  }
  return { request: undefined, problems: all.map(problem => at({ where, name: rawName }, problem)) }
}

function typeOf(raw: unknown): { type: SourceType } | { problem: FieldProblem } {
  try {
    return { type: getSourceType(raw ?? '') }
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    const [problem] = error.details.fields ?? []
    return { problem: problem ?? { field: 'type', message: 'is no type' } }
  }
}

function twice(requests: readonly BatchRequest[]): readonly FieldProblem[] {
  const first = new Map<string, BatchRequest>()
  return requests.flatMap(request => {
    const earlier = first.get(keyOf(request))
    if (!earlier) first.set(keyOf(request), request)
    const message = `stands in env ${request.env} twice: also in ${earlier?.where}`
    return earlier ? [at(request, { field: 'name', message })] : []
  })
}

/** `vault:` with the data source's own secret stands for what is stored, as the mask in an answer does. */
function keptOwn({ type, given }: BatchRequest, path: string): GivenFields {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const source = value instanceof SecretSource ? parseSecretSource(value.text) : undefined
      const own = source?.kind === 'vault' && source.path === path && findField(type, source.field)?.name === name
      return [name, own ? new Secret(REDACTED) : value]
    }),
  )
}

function at({ where, name }: { where: string; name: unknown }, { field, message }: FieldProblem): FieldProblem {
  return { field: `${where}${typeof name === 'string' ? ` (${name.slice(0, 80)})` : ''}, ${field}`, message }
}

function refused(
  problems: readonly FieldProblem[],
  code: 'invalid' | 'not_found' = 'invalid',
  instead?: string,
): DsctlError {
  const told = problems.slice(0, MOST_PROBLEMS)
  const more = problems.length - told.length
  const hint =
    code === 'invalid' ? 'dsctl types TYPE shows the fields of a type.' : 'dsctl template list shows those there are.'
  const fields = { fields: told, hint: more ? `And ${more} more problems.` : (instead ?? hint) }
  return new DsctlError(code, 'The batch cannot be used like this. Nothing was written.', fields)
}
