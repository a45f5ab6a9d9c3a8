import { Secret, SecretSource } from '../../domain/secret.ts'
import { alternativesOf } from '../../source-types/alternatives.ts'
import { findField } from '../../source-types/field-names.ts'
import { getSourceType } from '../../source-types/index.ts'
import { type GivenFields, parseFields } from '../../source-types/parse-fields.ts'
import type { SourceType } from '../../source-types/source-type.ts'
import type { FieldAnswer } from '../../terminal/ask-field.ts'
import type { Prompter } from '../../terminal/prompter.ts'
import type { RequestDraft } from '../validate-request.ts'
import { checkField, promptForEnv, promptForName } from './create-prompts.ts'

/**
 * Lets the user change one value of a draft: a field, the name or the env. If they leave the question, returns `draft`.
 */
export async function editDraft(prompter: Prompter, draft: RequestDraft, field: string): Promise<RequestDraft> {
  return (await prompter.detour(each => promptForField(each, draft, field))) ?? draft
}

/** Asks which value to change, and lets the user change it. */
export async function editAnyField(prompter: Prompter, draft: RequestDraft): Promise<RequestDraft> {
  const { fields } = getSourceType(draft.type)
  const choices = Object.entries(fields).map(([value, { label }]) => ({ value, name: label }))
  const all = [{ value: 'name', name: 'Name' }, { value: 'env', name: 'Env' }, ...choices]
  const ask = async (each: Prompter) => promptForField(each, draft, await each.askChoice('Which field?', all))
  return (await prompter.detour(ask)) ?? draft
}

async function promptForField(prompter: Prompter, draft: RequestDraft, field: string): Promise<RequestDraft> {
  if (field === 'name') return { ...draft, name: await promptForName(prompter, textOf(draft.name)) }
  if (field === 'env') return { ...draft, env: await promptForEnv(prompter, textOf(draft.env)) }
  const type = getSourceType(draft.type)
  const only = alternativesOf(type, field)
  const { given } = parseFields(type, draft.fields, 'create')
  const current = Object.fromEntries(only.flatMap(name => currentAnswer(type, given, name)))
  const check = (name: string, text: string) => checkField(type, name, text)
  const answers = await prompter.askFields({ type, given, only, current, check })
  const others = Object.entries(draft.fields).filter(([key]) => !only.includes(findField(type, key)?.name ?? key))
  const kept = Object.entries(answers).map(([name, value]) => [name, value === current[name] ? given[name] : value])
  return { ...draft, fields: withoutOrphans(type, Object.fromEntries([...others, ...kept])) }
}

/**
 * The current value of a field. For a secret that has not been fetched yet, a sealed stand-in that the user can keep.
 */
function currentAnswer(type: SourceType, given: GivenFields, name: string): [string, FieldAnswer][] {
  const value = given[name]
  if (value === undefined) return []
  if (value instanceof SecretSource) return [[name, new Secret(value.text)]]
  if (type.fields[name]?.secret) return [[name, new Secret(String(value.reveal()))]]
  const plain = value.reveal()
  return typeof plain === 'number' || typeof plain === 'boolean' ? [[name, plain]] : [[name, String(plain)]]
}

/** Leaves out fields that depend on a field that is no longer set, such as the passphrase of a removed key. */
function withoutOrphans(type: SourceType, fields: RequestDraft['fields']): RequestDraft['fields'] {
  const isOrphan = (name: string) =>
    type.rules.some(rule => rule.kind === 'needs' && rule.field === name && !(rule.needs in fields))
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isOrphan(name)))
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
