import type { InputContext } from '../cli/context.ts'
import type { DataSource } from '../domain/data-source.ts'
import { type FieldProblem, invalid, safeKey } from '../domain/errors.ts'
import { SecretSource } from '../domain/secret.ts'
import type { UpdateRequest } from '../operations/update-request.ts'
import type { Ref } from '../ports/lookup.ts'
import { checkEnv, checkName } from '../source-types/check-name.ts'
import { getSourceType } from '../source-types/index.ts'
import { parseFields } from '../source-types/parse-fields.ts'
import { allowPlaceholders, type PlaceholderOptions } from './allow-placeholders.ts'
import { checkSources } from './check-sources.ts'
import { fetchSecrets, type SourceReaders } from './fetch-secrets.ts'
import { keepOwnSecrets } from './keep-own-secrets.ts'
import { overrideFields, readFieldOptions } from './read-field-options.ts'
import { type RawRequest, readRequestFile } from './request-file.ts'
import { warnAboutName } from './warn-about-names.ts'

/** The options that describe an update. `readFieldOptions` reads the options of fields. */
export interface UpdateRequestOptions extends PlaceholderOptions {
  readonly setName?: string
  readonly setEnv?: string
  readonly file?: string
  readonly unset?: readonly string[]
  readonly type?: string
}

/**
 * Reads an update from options and a file, which holds a request or an edited output of `get`. The fields are validated
 * later, when the type of the record is known. Throws `invalid` with every problem.
 */
export async function readUpdateRequest(
  context: InputContext,
  ref: Ref,
  { setName, setEnv, file, unset = [], type, ...options }: UpdateRequestOptions,
): Promise<UpdateRequest> {
  const given = await readFieldOptions(options)
  if (given.problems.length) throw invalid('Invalid command line.', given.problems)
  const raw = unwrapOutput(file === undefined ? {} : await readRequestFile(file, context.readStdin))
  const name = readOptional(setName ?? raw.name, checkName)
  const env = readOptional(setEnv ?? raw.env, checkEnv)
  const problems = [...name.problems, ...env.problems]
  if (problems.length) throw invalidUpdate(problems)
  warnAboutName(context, setName ?? raw.name)
  return {
    ref,
    name: name.value,
    env: env.value,
    fields: allowPlaceholders(sealSources(overrideFields(raw.fields, given.fields)), options),
    unset: unset.map(field => field.replaceAll('-', '_')),
    expected: { id: raw.id, type: type ?? raw.type },
  }
}

/**
 * Validates the fields of an update, then fetches its secrets. `path` is the Vault path of the record's secret. Throws
 * `invalid` with every problem.
 */
export async function fetchUpdateSecrets(
  request: UpdateRequest,
  { record, path }: { record: DataSource; path: string },
  readers: SourceReaders,
): Promise<UpdateRequest> {
  const type = getSourceType(record.type)
  const fields = keepOwnSecrets(request.fields, { type, path })
  const { problems } = parseFields(type, request.fields, 'update')
  const reported = new Set(problems.map(({ field }) => field))
  const all = [...problems, ...checkSources(fields, readers.policy).filter(({ field }) => !reported.has(field))]
  if (all.length) throw invalidUpdate(all)
  const fetched = await fetchSecrets(fields, readers)
  if (fetched.problems.length) throw invalidUpdate(fetched.problems)
  return { ...request, fields: fetched.fields }
}

/** Whether an update changes nothing. */
export function isEmpty({ name, env, fields, unset, expected }: UpdateRequest): boolean {
  const given = [name, env, expected.id, expected.type].some(value => value !== undefined)
  return !given && Object.keys(fields).length === 0 && unset.length === 0
}

function invalidUpdate(problems: readonly FieldProblem[]) {
  return invalid('The data source cannot be updated.', problems)
}

interface UnwrappedRequest {
  readonly id: unknown
  readonly type: unknown
  readonly name: unknown
  readonly env: unknown
  readonly fields: Readonly<Record<string, unknown>>
}

const READ_ONLY_KEYS = ['created_at', 'updated_at', 'created_by', 'data_sets', 'onboarding_status', 'onboarding_error']

/** Converts an output of `get` to a request, without its read-only keys. Returns a request unchanged. */
function unwrapOutput(raw: RawRequest): UnwrappedRequest {
  const { id, name, env, type, db_type, credentials, ...rest } = raw
  if (db_type === undefined && credentials === undefined) return { id, name, env, type, fields: rest }
  if (typeof credentials !== 'object' || credentials === null || Array.isArray(credentials)) {
    throw invalid('The file is an output of dsctl get without credentials, so it cannot update them.')
  }
  if (type !== undefined && type !== db_type) {
    throw invalid('The file is an output of dsctl get with two types.', [
      { field: 'type', message: 'differs from db_type: remove it' },
    ])
  }
  const unknown = Object.keys(rest).filter(key => !READ_ONLY_KEYS.includes(key))
  if (unknown.length) {
    throw invalid(
      'The file is an output of dsctl get with unknown keys.',
      unknown.map(key => ({
        field: safeKey(key),
        message: 'is not a key of dsctl get: if it is a field, move it into credentials, otherwise remove it',
      })),
    )
  }
  return { id, name, env, type: db_type, fields: { ...credentials } }
}

/** Replaces every `{from: SOURCE}` with a SecretSource. */
function sealSources(fields: UnwrappedRequest['fields']): UnwrappedRequest['fields'] {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, sourceIn(value) ?? value]))
}

function sourceIn(value: unknown): SecretSource | undefined {
  if (typeof value !== 'object' || value === null || !('from' in value) || typeof value.from !== 'string')
    return undefined
  return Object.keys(value).length === 1 ? new SecretSource(value.from, 'file') : undefined
}

type Check = (raw: unknown) => { readonly value: string } | { readonly problem: FieldProblem }

function readOptional(raw: unknown, check: Check): { value: string | undefined; problems: readonly FieldProblem[] } {
  if (raw === undefined) return { value: undefined, problems: [] }
  const checked = check(raw)
  return 'value' in checked ? { value: checked.value, problems: [] } : { value: undefined, problems: [checked.problem] }
}
