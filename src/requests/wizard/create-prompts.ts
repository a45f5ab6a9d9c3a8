import { DsctlError } from '../../domain/errors.ts'
import type { CreateRequest } from '../../operations/create.ts'
import { checkEnv, checkName } from '../../source-types/check-name.ts'
import { missingFields } from '../../source-types/check-rules.ts'
import { findField } from '../../source-types/field-names.ts'
import { getSourceType, sourceTypes } from '../../source-types/index.ts'
import { parseFields } from '../../source-types/parse-fields.ts'
import type { SourceType } from '../../source-types/source-type.ts'
import type { Prompter } from '../../terminal/prompter.ts'
import type { Draft } from '../draft.ts'

/** Asks a person for what a create request lacks. */
export async function askForMissing(prompter: Prompter, draft: Draft): Promise<Draft> {
  const type = draft.type === undefined ? await prompter.askType(sourceTypes) : getSourceType(draft.type)
  const name = draft.name ?? (await askName(prompter))
  const env = draft.env ?? (await askEnv(prompter))
  const { given } = parseFields(type, draft.fields, 'create')
  const answers = await prompter.askFields({ type, given, check: (field, text) => checkField(type, field, text) })
  return { name, env, type: type.name, fields: { ...draft.fields, ...answers } }
}

/**
 * Shows what would be saved, secrets masked. Answers a draft where the person wants a field changed, else whether to
 * test it first or to save it as it is; throws `interrupted` where they would rather do neither.
 */
export async function review(
  prompter: Prompter,
  { draft, request }: { draft: Draft; request: CreateRequest },
): Promise<Draft | 'test' | 'save'> {
  const type = getSourceType(request.type)
  const decision = await prompter.reviewSummary(rowsOf(type, request), 'Save this data source?')
  if (decision.kind === 'save' || decision.kind === 'test') return decision.kind
  if (decision.kind !== 'edit') throw new DsctlError('interrupted', 'Cancelled: nothing was written.')
  return editField(prompter, { ...draft, name: request.name, env: request.env }, decision.field)
}

/** Has a person change one field of a draft, its name or its env. */
export async function editField(prompter: Prompter, draft: Draft, field: string): Promise<Draft> {
  if (field === 'name') return { ...draft, name: await askName(prompter, String(draft.name)) }
  if (field === 'env') return { ...draft, env: await askEnv(prompter, String(draft.env)) }
  const type = getSourceType(draft.type)
  const { given } = parseFields(type, draft.fields, 'create')
  const check = (name: string, text: string) => checkField(type, name, text)
  const answers = await prompter.askFields({ type, given, only: [field], check })
  return { ...draft, fields: { ...draft.fields, ...answers } }
}

/** The message that the field's flag would give for a text; undefined where it is fine. */
export function checkField(type: SourceType, field: string, text: string): string | undefined {
  return parseFields(type, { [field]: text }, 'create').problems[0]?.message
}

/** Whether a request has all that it needs, right or wrong. */
export function isComplete({ name, env, type, fields }: Draft): boolean {
  if (name === undefined || env === undefined || type === undefined) return false
  const known = getSourceType(type)
  const names = Object.keys(fields).map(key => findField(known, key)?.name ?? key)
  return missingFields(known, Object.fromEntries(names.map(field => [field, true]))).length === 0
}

function askName(prompter: Prompter, present?: string): Promise<string> {
  return prompter.askText('Name', { default: present, check: text => problemOf(checkName(text)) })
}

function askEnv(prompter: Prompter, present?: string): Promise<string> {
  return prompter.askText('Env', { default: present, check: text => problemOf(checkEnv(text)) })
}

function rowsOf(type: SourceType, { name, env, credentials }: CreateRequest) {
  const fields = Object.entries(type.fields).flatMap(([field, { label, secret }]) => {
    const value = credentials[field]
    return value ? [{ field, label, value: secret ? value : value.reveal() }] : []
  })
  return [{ field: 'name', label: 'Name', value: name }, { field: 'env', label: 'Env', value: env }, ...fields]
}

function problemOf(checked: ReturnType<typeof checkName>): string | undefined {
  return 'problem' in checked ? checked.problem.message : undefined
}
