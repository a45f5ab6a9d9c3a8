import { DsctlError, type FieldProblem } from '../domain/errors.ts'
import { checkEnv, checkName } from '../source-types/check-name.ts'
import { checkRules } from '../source-types/check-rules.ts'
import { findField } from '../source-types/field-names.ts'
import { getSourceType, sourceTypes } from '../source-types/index.ts'
import { type GivenFields, parseFields } from '../source-types/parse-fields.ts'
import type { SourceType } from '../source-types/source-type.ts'

/** A request as it was given. Nothing is validated yet. */
export interface RequestDraft {
  readonly name: unknown
  readonly env: unknown
  readonly type: unknown
  readonly fields: Readonly<Record<string, unknown>>
}

/** A valid request for a new data source. Its secrets may still have to be fetched from their sources. */
export interface ValidRequest {
  readonly name: string
  readonly env: string
  readonly type: SourceType
  readonly fields: GivenFields
}

/** Either a valid request, or every problem, with the fields that are valid. */
export type Validation =
  | { readonly request: ValidRequest; readonly fields: GivenFields; readonly problems: readonly [] }
  | { readonly request: undefined; readonly fields: GivenFields; readonly problems: readonly FieldProblem[] }

/** Validates a request for a new data source. Reads nothing and fetches no secret. */
export function validateRequest(draft: RequestDraft): Validation {
  const [name, env, type] = [checkName(draft.name), checkEnv(draft.env), checkType(draft.type)]
  const fields = 'value' in type ? validateFields(type.value, draft.fields) : { given: {}, problems: [] }
  const problems = [...[name, env, type].flatMap(problemsOf), ...fields.problems]
  if ('value' in name && 'value' in env && 'value' in type && problems.length === 0) {
    const request = { name: name.value, env: env.value, type: type.value, fields: fields.given }
    return { request, fields: fields.given, problems: [] }
  }
  return { request: undefined, fields: fields.given, problems }
}

/** The problems of the values that a draft has so far. Missing values are not reported. */
export function draftProblems({ name, env, type, fields }: RequestDraft): readonly FieldProblem[] {
  const checked = [
    ...(name === undefined ? [] : [checkName(name)]),
    ...(env === undefined ? [] : [checkEnv(env)]),
    ...(type === undefined ? [] : [checkType(type)]),
  ]
  const known = type === undefined ? undefined : getSourceType(type)
  return [...checked.flatMap(problemsOf), ...(known ? parseFields(known, fields, 'create').problems : [])]
}

function validateFields(type: SourceType, raw: RequestDraft['fields']) {
  const { given, problems } = parseFields(type, raw, 'create')
  const invalidFields = new Set(problems.map(({ field }) => findField(type, field)?.name ?? field))
  // An invalid field is not also reported as missing.
  const ofRules = checkRules(type, given).filter(({ field }) => !invalidFields.has(field))
  return { given, problems: [...problems, ...ofRules] }
}

type Checked<T> = { readonly value: T } | { readonly problem: FieldProblem }

function checkType(raw: unknown): Checked<SourceType> {
  if (raw === undefined) return { problem: { field: 'type', message: `is required: one of ${typeNames()}` } }
  try {
    return { value: getSourceType(raw) }
  } catch (error) {
    const [problem] = (error instanceof DsctlError && error.details.fields) || []
    if (!problem) throw error
    return { problem }
  }
}

function typeNames(): string {
  return sourceTypes.map(({ name }) => name).join(', ')
}

function problemsOf(checked: Checked<unknown>): readonly FieldProblem[] {
  return 'problem' in checked ? [checked.problem] : []
}
