import type { InputContext } from '../cli/context.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import { pickSecrets } from '../domain/secret.ts'
import type { CreateRequest } from '../operations/create.ts'
import { checkPassphrases } from '../source-types/check-passphrases.ts'
import { missingFields } from '../source-types/check-rules.ts'
import { completeCredentials } from '../source-types/complete-credentials.ts'
import { findField } from '../source-types/field-names.ts'
import { getSourceType } from '../source-types/index.ts'
import { parseFields } from '../source-types/parse-fields.ts'
import type { SourceType } from '../source-types/source-type.ts'
import { allowPlaceholders, type PlaceholderOptions } from './allow-placeholders.ts'
import { checkSources } from './check-sources.ts'
import { fetchSecrets, type SourceReaders } from './fetch-secrets.ts'
import { optionOf, overrideFields, readFieldOptions } from './read-field-options.ts'
import { OUTPUT_HINT, outputProblem, readRequestFile } from './request-file.ts'
import { templateName } from './template-request.ts'
import { draftProblems, type RequestDraft, type ValidRequest, validateRequest } from './validate-request.ts'

/** The options that describe a new data source. `readFieldOptions` reads the options of its fields. */
export interface DraftOptions extends PlaceholderOptions {
  readonly type?: string
  readonly file?: string
  readonly template?: string
}

/** Reads the options and the request file, and returns the draft and the name of its template. Throws `invalid`. */
export async function readDraft(
  context: InputContext,
  name: string | undefined,
  options: DraftOptions,
): Promise<{ draft: RequestDraft; template: string | undefined }> {
  const given = await readFieldOptions(options)
  // Refuse a secret on the command line before any other work.
  if (given.problems.length) throw invalid('Invalid command line.', given.problems)
  const raw = options.file === undefined ? {} : await readRequestFile(options.file, context.readStdin)
  const problem = outputProblem(raw)
  if (problem) throw invalidDataSource([problem], OUTPUT_HINT)
  const { name: fileName, env: fileEnv, type: fileType, template: fileTemplate, ...fileFields } = raw
  const type = options.type ?? fileType
  const types = typeof type === 'string' ? [getSourceType(type)] : undefined
  const draft = {
    name: name ?? fileName,
    env: context.options.env?.at(-1) ?? fileEnv ?? context.settings().get('env'),
    type,
    fields: allowPlaceholders(overrideFields(fileFields, given.fields, types), options),
  }
  return { draft, template: templateName(options.template ?? fileTemplate) }
}

/** Validates a draft. Throws `invalid` with every problem, including those of its secret sources. */
export function readCreateRequest(draft: RequestDraft, readers: SourceReaders): ValidRequest {
  const type = draft.type === undefined ? undefined : getSourceType(draft.type)
  const { request, fields, problems } = validateRequest(draft)
  const all = [...problems, ...checkSources(fields, readers.policy)]
  if (!request || all.length) throw invalidDataSource(all, hintFor(draft, type))
  return request
}

/** Fetches the secrets of a request. Call this only after checking that the create is permitted. Throws `invalid`. */
export async function fetchCreateSecrets(request: ValidRequest, readers: SourceReaders): Promise<CreateRequest> {
  const { name, env, type } = request
  const fetched = await fetchSecrets(request.fields, readers)
  const { given, problems } = parseFields(type, fetched.fields, 'create')
  const passphrases = await checkPassphrases(type, pickSecrets(given))
  const all = [...fetched.problems, ...problems, ...passphrases]
  if (all.length) throw invalidDataSource(all, hintFor({ ...request, type: type.name }, type))
  return { name, env, type: type.name, credentials: completeCredentials(type, pickSecrets(given)) }
}

/** Throws `invalid` if a value of the draft is wrong, before the user is prompted for the missing ones. */
export function checkDraft(draft: RequestDraft): void {
  const problems = draftProblems(draft)
  if (problems.length) throw invalidDataSource(problems)
}

/** Whether a draft has every required value, valid or not. */
export function isComplete({ name, env, type, fields }: RequestDraft): boolean {
  if (name === undefined || env === undefined || type === undefined) return false
  const known = getSourceType(type)
  const names = Object.keys(fields).map(key => findField(known, key)?.name ?? key)
  return missingFields(known, Object.fromEntries(names.map(field => [field, true]))).length === 0
}

function invalidDataSource(problems: readonly FieldProblem[], hint?: string) {
  return invalid('The data source cannot be created.', problems, hint)
}

function hintFor(draft: RequestDraft, type: SourceType | undefined): string {
  const missing = [
    ...(draft.name === undefined ? ['NAME'] : []),
    ...(draft.env === undefined ? ['--env ENV'] : []),
    ...(type ? missingOptions(type, draft.fields) : ['--type TYPE', 'and the fields of that type']),
  ]
  if (missing.length) return `Missing: ${missing.join(', ')}.`
  return `Run dsctl types ${type?.name ?? 'TYPE'} to see the fields.`
}

function missingOptions(type: SourceType, fields: RequestDraft['fields']): readonly string[] {
  return missingFields(type, fields).map(names => names.map(optionOf).join(' or '))
}
