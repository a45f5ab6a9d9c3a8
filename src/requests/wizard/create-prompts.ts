import { DsctlError } from '../../domain/errors.ts'
import type { CreateRequest } from '../../operations/create.ts'
import { checkEnv, checkName } from '../../source-types/check-name.ts'
import { getSourceType, sourceTypes } from '../../source-types/index.ts'
import { parseFields } from '../../source-types/parse-fields.ts'
import type { SourceType } from '../../source-types/source-type.ts'
import type { Prompter } from '../../terminal/prompter.ts'
import type { RequestDraft } from '../validate-request.ts'

/** Prompts for the missing values of a draft. */
export async function promptForMissing(prompter: Prompter, draft: RequestDraft): Promise<RequestDraft> {
  const type = draft.type === undefined ? await prompter.askType(sourceTypes) : getSourceType(draft.type)
  const name = draft.name ?? (await promptForName(prompter))
  const env = draft.env ?? (await promptForEnv(prompter))
  const { given } = parseFields(type, draft.fields, 'create')
  const answers = await prompter.askFields({ type, given, check: (field, text) => checkField(type, field, text) })
  return { name, env, type: type.name, fields: { ...draft.fields, ...answers } }
}

/** Shows what would be saved, with secrets masked, and asks what to do. Throws `interrupted` on cancel. */
export async function reviewCreate(prompter: Prompter, request: CreateRequest) {
  const rows = reviewRows(getSourceType(request.type), request)
  const decision = await prompter.reviewSummary(rows, 'Save this data source?')
  if (decision.kind === 'cancel') throw new DsctlError('interrupted', 'Cancelled: nothing was written.')
  return decision
}

/** Prompts for one value of a draft: a field, its name or its env. */
export async function promptForField(prompter: Prompter, draft: RequestDraft, field: string): Promise<RequestDraft> {
  if (field === 'name') return { ...draft, name: await promptForName(prompter, String(draft.name)) }
  if (field === 'env') return { ...draft, env: await promptForEnv(prompter, String(draft.env)) }
  const type = getSourceType(draft.type)
  const { given } = parseFields(type, draft.fields, 'create')
  const check = (name: string, text: string) => checkField(type, name, text)
  const answers = await prompter.askFields({ type, given, only: [field], check })
  return { ...draft, fields: { ...draft.fields, ...answers } }
}

/** Asks which value to change, and prompts for it. */
export async function promptForChange(prompter: Prompter, draft: RequestDraft): Promise<RequestDraft> {
  const { fields } = getSourceType(draft.type)
  const choices = Object.entries(fields).map(([value, { label }]) => ({ value, name: label }))
  const all = [{ value: 'name', name: 'Name' }, { value: 'env', name: 'Env' }, ...choices]
  return promptForField(prompter, draft, await prompter.askChoice('Which field?', all))
}

/** The problem of a field's text, as the field's option would report it. */
export function checkField(type: SourceType, field: string, text: string): string | undefined {
  return parseFields(type, { [field]: text }, 'create').problems[0]?.message
}

function promptForName(prompter: Prompter, present?: string): Promise<string> {
  return prompter.askText('Name', { default: present, check: text => problemOf(checkName(text)) })
}

function promptForEnv(prompter: Prompter, present?: string): Promise<string> {
  return prompter.askText('Env', { default: present, check: text => problemOf(checkEnv(text)) })
}

function reviewRows(type: SourceType, { name, env, credentials }: CreateRequest) {
  const fields = Object.entries(type.fields).flatMap(([field, { label, secret }]) => {
    const value = credentials[field]
    return value ? [{ field, label, value: secret ? value : value.reveal() }] : []
  })
  return [{ field: 'name', label: 'Name', value: name }, { field: 'env', label: 'Env', value: env }, ...fields]
}

function problemOf(checked: ReturnType<typeof checkName>): string | undefined {
  return 'problem' in checked ? checked.problem.message : undefined
}
