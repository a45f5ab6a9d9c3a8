import type { Context, Flags } from '../cli/context.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import { pickSecrets } from '../domain/secret.ts'
import { MAY, permitted } from '../operations/authorize.ts'
import type { CreateRequest } from '../operations/create.ts'
import { checkEnv, checkName } from '../source-types/check-name.ts'
import { checkRules, completeCredentials, missingFields } from '../source-types/check-rules.ts'
import { findField } from '../source-types/field-names.ts'
import { getSourceType, sourceTypes } from '../source-types/index.ts'
import { parseFields } from '../source-types/parse-fields.ts'
import type { SourceType } from '../source-types/source-type.ts'
import type { Draft } from './draft.ts'
import { checkSources, fetchSecrets, needsPermission, sourceReaders } from './fetch-secrets.ts'
import { fieldsFromFlags, flagOf } from './field-options.ts'
import { answerInstead, readRequestFile } from './request-file.ts'
import { addTemplate, templateOf } from './template-request.ts'
import { askForMissing, isComplete } from './wizard/create-prompts.ts'
import { reviewAndSave, type Saving } from './wizard/review-create.ts'

/**
 * A create request from flags, then the request file, then its template, then (at a terminal) prompts and a last look,
 * to be saved by `save`. Throws `invalid` with every problem at once. Secrets are fetched only where there is none, and
 * where that needs permission once `permit` has not thrown.
 */
export async function createFrom<T>(
  context: Context,
  name: string | undefined,
  { permit, save }: { permit: Permit; save: Saving<T>['save'] },
): Promise<T> {
  const { flags } = context
  const file = typeof flags.file === 'string' ? flags.file : undefined
  const action = flags.dryRun === true ? undefined : 'create'
  const draft = await collect(context, { flags, name, file }, action)
  const prompter = await context.prompter()
  const saving = { build: (whole: Draft) => build(context, whole, { file, permit }), save }
  if (!prompter || isComplete(draft)) return save(await saving.build(draft))
  checkGiven(draft)
  return reviewAndSave({ context, prompter }, await askForMissing(prompter, draft), saving)
}

/** What is wrong is told before a person has typed the rest. */
function checkGiven({ name, env, type, fields }: Draft): void {
  const heads = [
    ...(name === undefined ? [] : [checkName(name)]),
    ...(env === undefined ? [] : [checkEnv(env)]),
  ].flatMap(checked => ('problem' in checked ? [checked.problem] : []))
  const known = type === undefined ? undefined : getSourceType(type)
  const problems = [...heads, ...(known ? parseFields(known, fields, 'create').problems : [])]
  if (problems.length) throw invalid('The data source cannot be created like this.', problems)
}

/** What a request file would create, to be tested: it may leave out the name and the env. */
export async function unsavedRequest(context: Context, flags: Flags): Promise<CreateRequest> {
  const file = String(flags.file)
  const permit: Permit = async ({ name, env }) => {
    const { caller, records } = await context.records(MAY.change)
    const attempt = { eventId: crypto.randomUUID(), action: 'test', failsIfTaken: false } as const
    permitted(await records.findName(caller, { name, env }, attempt))
  }
  const draft = await collect(context, { flags: { env: flags.env }, name: undefined, file }, 'test')
  return build(context, { ...draft, name: draft.name ?? file, env: draft.env ?? 'none' }, { file, permit })
}

/** Throws where the person may not create such a data source; asked only where what is to be fetched needs it. */
export type Permit = (request: { name: string; env: string; type: string }) => Promise<void>

/** Judges a draft, fetches its secrets, and judges those. */
async function build(
  context: Context,
  draft: Draft,
  { file, permit }: { file: string | undefined; permit: Permit },
): Promise<CreateRequest> {
  const { type, checked, problems } = judge(draft)
  const readers = sourceReaders(context, file)
  const all = [...problems, ...checkSources(checked.given, readers)]
  if (all.length) throw refused(type, draft, all)
  if (needsPermission(checked.given)) await permit({ name: checked.name, env: checked.env, type: type.name })
  const fetched = await fetchSecrets(checked.given, readers)
  const read = parseFields(type, fetched.fields, 'create')
  const wrong = [...fetched.problems, ...read.problems]
  if (wrong.length) throw refused(type, draft, wrong)
  const { name, env } = checked
  return { name, env, type: type.name, credentials: completeCredentials(type, pickSecrets(read.given)) }
}

async function collect(
  context: Context,
  { flags, name, file }: { flags: Flags; name: string | undefined; file: string | undefined },
  action: 'create' | 'test' | undefined,
): Promise<Draft> {
  const given = await fieldsFromFlags(flags)
  // A secret on the command line is refused before any other work.
  if (given.problems.length) throw invalid('The command line cannot be used like this.', given.problems)
  const raw = file === undefined ? {} : await readRequestFile(file, context.readStdin)
  const instead = answerInstead(raw)
  if (instead) throw invalid('The data source cannot be created like this.', [instead])
  const { name: fileName, env: fileEnv, type: fileType, template: fileTemplate, ...fileFields } = raw
  const template = await templateOf(context, flags.template ?? fileTemplate, action)
  const type = flags.type ?? fileType ?? template?.type
  const draft = {
    name: name ?? fileName,
    env: flags.env ?? fileEnv ?? context.settings().get('env'),
    type,
    fields: { ...withoutFlagged(type, fileFields, given.fields), ...given.fields },
  }
  if (!template) return draft
  const { problem, ...added } = addTemplate(draft, template)
  if (problem) throw invalid('The data source cannot be created like this.', [problem])
  return { ...draft, ...added }
}

/** A flag goes before the file, under whatever name the file has the field. */
function withoutFlagged(typeName: unknown, fileFields: Draft['fields'], flagged: Draft['fields']): Draft['fields'] {
  const type = typeof typeName === 'string' ? getSourceType(typeName) : undefined
  return Object.fromEntries(
    Object.entries(fileFields).filter(([key]) => {
      const name = (type && findField(type, key)?.name) ?? key
      return !Object.hasOwn(flagged, name)
    }),
  )
}

function judge(draft: Draft) {
  if (draft.type === undefined) throw noType(draft)
  const type = getSourceType(draft.type)
  const name = checkName(draft.name)
  const env = checkEnv(draft.env)
  const { given, problems } = parseFields(type, draft.fields, 'create')
  const bad = new Set(problems.map(({ field }) => findField(type, field)?.name ?? field))
  const whole = checkRules(type, given).filter(({ field }) => !bad.has(field))
  const all = [
    ...('problem' in name ? [name.problem] : []),
    ...('problem' in env ? [env.problem] : []),
    ...problems,
    ...whole,
  ]
  const checked = { name: 'value' in name ? name.value : '', env: 'value' in env ? env.value : '', given }
  return { type, checked, problems: all }
}

function refused(type: SourceType, draft: Draft, problems: readonly FieldProblem[]) {
  const missing = [
    ...missingHead(draft),
    ...missingFields(type, draft.fields).map(names => names.map(flagOf).join(' or ')),
  ]
  const hint = missing.length
    ? `Still to be given: ${missing.join(', ')}.`
    : `dsctl types ${type.name} shows its fields.`
  return invalid('The data source cannot be created like this.', problems, hint)
}

function noType(draft: Draft) {
  const [name, env] = [checkName(draft.name), checkEnv(draft.env)]
  const problems = [
    ...('problem' in name ? [name.problem] : []),
    ...('problem' in env ? [env.problem] : []),
    { field: 'type', message: `is required: one of ${sourceTypes.map(type => type.name).join(', ')}` },
  ]
  const missing = [...missingHead(draft), '--type TYPE', 'and what that type needs: dsctl types TYPE']
  return invalid('The data source cannot be created like this.', problems, `Still to be given: ${missing.join(', ')}.`)
}

function missingHead({ name, env }: Draft): string[] {
  return [...(name === undefined ? ['NAME'] : []), ...(env === undefined ? ['--env ENV'] : [])]
}
