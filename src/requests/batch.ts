import { keyOf } from '../domain/data-source.ts'
import type { FieldProblem } from '../domain/errors.ts'
import type { Template } from '../ports/templates.ts'
import { TYPE_HINT, typeProblem } from '../source-types/refused-type.ts'
import { allowPlaceholders } from './allow-placeholders.ts'
import { batchError, FIELDS_HINT, problemIn } from './batch-error.ts'
import type { BatchDocument } from './batch-files.ts'
import type { BatchSettings } from './batch-options.ts'
import { findNonRequests, NOT_A_REQUEST_HINT } from './not-a-request.ts'
import { OUTPUT_HINT, outputProblem } from './request-file.ts'
import { mergeTemplate, templateNameProblem, templateTypeProblem } from './template-request.ts'
import { type RequestDraft, type ValidRequest, validateRequest } from './validate-request.ts'

/** A valid request of a batch, and its location. Its secrets may still have to be fetched. */
export interface BatchRequest extends ValidRequest {
  readonly file: string
  /** For messages: the file, and which request of the file. */
  readonly where: string
}

/** The existing templates, by name, and a function that suggests a similar name for a missing template. */
export interface FoundTemplates {
  readonly found: ReadonlyMap<string, Template>
  readonly suggest: (name: string) => string | undefined
}

/** The names of the templates that the requests of a batch refer to. */
export function templateNames(documents: readonly BatchDocument[]): readonly string[] {
  const names = documents.flatMap(({ raw }) => (typeof raw.template === 'string' ? [raw.template.trim()] : []))
  return [...new Set(names)]
}

/**
 * Validates all requests of a batch, with the fields of their templates. Throws `invalid` with the problems of all
 * requests, or `not_found` if the only problems are missing templates.
 */
export function readBatch(
  documents: readonly BatchDocument[],
  templates: FoundTemplates,
  settings: Pick<BatchSettings, 'defaultEnv' | 'envs' | 'allowPlaceholder'>,
): readonly BatchRequest[] {
  const { envs } = settings
  const nonRequests = findNonRequests(documents)
  const read = documents
    .filter(document => !nonRequests.has(document))
    .map(document => readRequest(document, templates, settings))
  const requests = read.flatMap(({ request }) => request ?? [])
  const invalidRequests = read.flatMap(({ problems }) => problems)
  const problems = [
    ...nonRequests.values(),
    ...invalidRequests,
    ...duplicates(requests),
    ...outsideEnvs(requests, envs),
  ]
  if (problems.length === 0) return requests
  const missing = read.filter(({ templateMissing }) => templateMissing).length
  if (missing === problems.length) throw batchError('not_found', problems, 'Run dsctl template list to see them.')
  if (nonRequests.size) throw batchError('invalid', problems, NOT_A_REQUEST_HINT)
  if (read.some(({ isOutput }) => isOutput)) throw batchError('invalid', problems, OUTPUT_HINT)
  throw batchError('invalid', problems, invalidRequests.length ? FIELDS_HINT : IDENTITY_HINT)
}

const IDENTITY_HINT = 'Name and env together identify a data source.'

interface ReadResult {
  readonly request?: BatchRequest
  readonly problems: readonly FieldProblem[]
  readonly templateMissing?: boolean
  /** It is an output of a command instead of a request. */
  readonly isOutput?: boolean
}

function readRequest(
  document: BatchDocument,
  templates: FoundTemplates,
  { defaultEnv, allowPlaceholder }: Pick<BatchSettings, 'defaultEnv' | 'allowPlaceholder'>,
): ReadResult {
  const { raw, file, where } = document
  const { template: rawTemplate, name, env: ownEnv, type, ...fields } = raw
  const failed = (...problems: FieldProblem[]) => ({
    problems: problems.map(problem => problemIn({ where, name }, problem)),
  })
  const draft = { name, env: ownEnv ?? defaultEnv, type, fields: allowPlaceholders(fields, { allowPlaceholder }) }
  const template = findTemplate(draft, rawTemplate, templates)
  if (template && 'problem' in template) {
    return { ...failed(template.problem), templateMissing: template.isMissing === true }
  }
  const problem = outputProblem(raw)
  if (problem) return { ...failed(problem), isOutput: true }
  const { request, problems } = validateRequest(template ? mergeTemplate(draft, template.template) : draft)
  return request ? { request: { ...request, file, where }, problems: [] } : failed(...problems)
}

function findTemplate(
  draft: RequestDraft,
  rawName: unknown,
  { found, suggest }: FoundTemplates,
): { template: Template } | { problem: FieldProblem; isMissing?: boolean } | undefined {
  if (rawName === undefined) return undefined
  const nameProblem = templateNameProblem(rawName)
  if (nameProblem) return { problem: nameProblem }
  const name = String(rawName).trim()
  const template = found.get(name)
  if (!template) return { problem: { field: 'template', message: notFound(name, suggest(name)) }, isMissing: true }
  const problem = templateTypeProblem(draft.type, template)
  return problem ? { problem } : { template }
}

function notFound(name: string, similar: string | undefined): string {
  return `there is no template ${name}${similar === undefined ? '' : `; did you mean ${similar}?`}`
}

function duplicates(requests: readonly BatchRequest[]): readonly FieldProblem[] {
  const first = new Map<string, BatchRequest>()
  return requests.flatMap(request => {
    const earlier = first.get(keyOf(request))
    if (!earlier) first.set(keyOf(request), request)
    const message = `appears twice in env ${request.env}: also in ${earlier?.where}`
    return earlier ? [problemIn(request, { field: 'name', message })] : []
  })
}

function outsideEnvs(requests: readonly BatchRequest[], envs: readonly string[]): readonly FieldProblem[] {
  if (envs.length === 0) return []
  return requests
    .filter(({ env }) => !envs.includes(env))
    .map(request => problemIn(request, { field: 'env', message: `is ${request.env}, but --env is ${envs.join(', ')}` }))
}

/** Throws `invalid` if a type is not among those that the database accepts; undefined accepts any. */
export function checkAcceptedTypes(requests: readonly BatchRequest[], accepted: readonly string[] | undefined): void {
  if (!accepted) return
  const refused = requests.filter(({ type }) => !accepted.includes(type.name))
  const problems = refused.map(request => problemIn(request, typeProblem(request.type.name, accepted)))
  if (problems.length) throw batchError('invalid', problems, TYPE_HINT)
}
