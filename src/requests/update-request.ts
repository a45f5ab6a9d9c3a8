import type { Context } from '../cli/context.ts'
import type { DataSource } from '../domain/data-source.ts'
import { type FieldProblem, invalid, safeKey } from '../domain/errors.ts'
import { SecretSource } from '../domain/secret.ts'
import type { UpdateRequest } from '../operations/update-request.ts'
import type { Ref } from '../ports/lookup.ts'
import { checkEnv, checkName } from '../source-types/check-name.ts'
import { findField } from '../source-types/field-names.ts'
import { getSourceType, sourceTypes } from '../source-types/index.ts'
import { parseFields } from '../source-types/parse-fields.ts'
import { checkSources, fetchSecrets, hasSources, sourceReaders } from './fetch-secrets.ts'
import { fieldsFromFlags } from './field-options.ts'
import { type RawRequest, readRequestFile } from './request-file.ts'

/**
 * An update request from flags, then the file: a request, or an edited answer of `get`. The fields are judged when the
 * type is known, which the record tells. Throws `invalid` with every problem at once. Where a secret is to be fetched
 * `find` is asked for the record first, and throws where the person may not change it.
 */
export async function updateRequest(
  context: Context,
  ref: Ref,
  find: () => Promise<DataSource>,
): Promise<UpdateRequest> {
  const { flags } = context
  const given = await fieldsFromFlags(flags)
  if (given.problems.length) throw invalid('The command line cannot be used like this.', given.problems)
  const file = typeof flags.file === 'string' ? flags.file : undefined
  const raw = unwrap(file === undefined ? {} : await readRequestFile(file, context.readStdin))
  const name = read(flags.setName ?? raw.name, checkName)
  const env = read(flags.setEnv ?? raw.env, checkEnv)
  const problems = [...name.problems, ...env.problems]
  if (problems.length) throw invalid('The data source cannot be updated like this.', problems)

  const fields = sealedSources({ ...withoutFlagged(raw.fields, given.fields), ...given.fields })
  const fetched = hasSources(fields) ? await fetchFor(context, await find(), { fields, file }) : fields
  const unset = Array.isArray(flags.unset) ? flags.unset.map(field => String(field).replaceAll('-', '_')) : []
  const expected = { id: raw.id, type: flags.type ?? raw.type }
  return { ref, name: name.value, env: env.value, fields: fetched, unset, expected }
}

/** Fetches the secrets, once nothing is wrong with the rest. */
async function fetchFor(
  context: Context,
  record: DataSource,
  { fields, file }: { fields: Unwrapped['fields']; file: string | undefined },
): Promise<Unwrapped['fields']> {
  const readers = sourceReaders(context, file, context.secretPath(record))
  const { problems } = parseFields(getSourceType(record.type), fields, 'update')
  const wrong = [...problems, ...checkSources(fields, readers).filter(isNew(problems))]
  if (wrong.length) throw invalid('The data source cannot be updated like this.', wrong)
  const fetched = await fetchSecrets(fields, readers)
  if (fetched.problems.length) throw invalid('The data source cannot be updated like this.', fetched.problems)
  return fetched.fields
}

function isNew(told: readonly FieldProblem[]) {
  return ({ field }: FieldProblem) => told.every(known => known.field !== field)
}

interface Unwrapped {
  readonly id: unknown
  readonly type: unknown
  readonly name: unknown
  readonly env: unknown
  readonly fields: Readonly<Record<string, unknown>>
}

const READ_ONLY = ['created_at', 'updated_at', 'created_by', 'data_sets', 'onboarding_status', 'onboarding_error']

/** A request as it is; an answer with its credentials unwrapped and what can't be changed left out. */
function unwrap(raw: RawRequest): Unwrapped {
  const { id, name, env, type, db_type, credentials, ...rest } = raw
  if (db_type === undefined && credentials === undefined) return { id, name, env, type, fields: rest }
  if (typeof credentials !== 'object' || credentials === null || Array.isArray(credentials)) {
    throw invalid('The file is an answer of dsctl get without its credentials, so it cannot say how they should be.')
  }
  if (type !== undefined && type !== db_type) {
    throw invalid('The file is an answer of dsctl get with two types.', [
      { field: 'type', message: 'differs from db_type, which an answer has: leave it out' },
    ])
  }
  const unknown = Object.keys(rest).filter(key => !READ_ONLY.includes(key))
  if (unknown.length) {
    throw invalid(
      'The file is an answer of dsctl get with keys that it does not have.',
      unknown.map(key => ({ field: safeKey(key), message: 'belongs into credentials, or nowhere' })),
    )
  }
  return { id, name, env, type: db_type, fields: { ...credentials } }
}

function sealedSources(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, sourceIn(value) ?? value]))
}

function sourceIn(value: unknown): SecretSource | undefined {
  if (typeof value !== 'object' || value === null || !('from' in value) || typeof value.from !== 'string')
    return undefined
  return Object.keys(value).length === 1 ? new SecretSource(value.from, 'file') : undefined
}

/** A flag goes before the file, under whatever name the file has the field. */
function withoutFlagged(fileFields: Unwrapped['fields'], flagged: Unwrapped['fields']): Unwrapped['fields'] {
  const nameOf = (key: string) => sourceTypes.flatMap(type => findField(type, key)?.name ?? [])[0] ?? key
  return Object.fromEntries(Object.entries(fileFields).filter(([key]) => !Object.hasOwn(flagged, nameOf(key))))
}

type Check = (raw: unknown) => { readonly value: string } | { readonly problem: FieldProblem }

function read(raw: unknown, check: Check): { value: string | undefined; problems: readonly FieldProblem[] } {
  if (raw === undefined) return { value: undefined, problems: [] }
  const checked = check(raw)
  return 'value' in checked ? { value: checked.value, problems: [] } : { value: undefined, problems: [checked.problem] }
}

/** Whether it asks for no change at all. */
export function isEmpty({ name, env, fields, unset, expected }: UpdateRequest): boolean {
  const given = [name, env, expected.id, expected.type].some(value => value !== undefined)
  return !given && Object.keys(fields).length === 0 && unset.length === 0
}
