import { Secret } from '../domain/secret.ts'
import { type Field, MULTILINE_KINDS } from '../source-types/source-type.ts'
import { askLongSecret, askOneLineSecret, type SecretQuestion } from './ask-secret.ts'
import { type Choice, promptConfirm, promptLine, promptSelect } from './prompts.ts'
import type { Streams } from './streams.ts'

/** A value that the user entered for a field. A secret is sealed. */
export type FieldAnswer = string | number | boolean | Secret<string>

/** A question for one field. */
export interface FieldQuestion {
  readonly field: Field
  /** Whether to reject an empty answer. Some optional fields become required once their group is in use. */
  readonly required: boolean
  /** The stored value, which Enter keeps. A sealed value is not shown. */
  readonly stored: unknown
  /** The value that the user is about to change. The input line contains it, except a secret, which Enter keeps. */
  readonly current: FieldAnswer | undefined
  /** Validates the text like the field's flag does. Returns the problem, or undefined. */
  readonly check: (text: string) => string | undefined
}

/** Asks for one field with the prompt for its kind; undefined if the user leaves it out or keeps the stored value. */
export function askField(streams: Streams, question: FieldQuestion): Promise<FieldAnswer | undefined> {
  const { field } = question
  if (field.secret || MULTILINE_KINDS.includes(field.kind)) return askHiddenField(streams, question)
  if (field.kind === 'boolean') return askBoolean(streams, question)
  if (field.kind === 'choice') return askChoice(streams, question)
  return askText(streams, question)
}

async function askHiddenField(streams: Streams, question: FieldQuestion): Promise<FieldAnswer | undefined> {
  const { field, check } = question
  const secret = { label: field.label, check, empty: whenEmpty(question) }
  const ask = MULTILINE_KINDS.includes(field.kind) ? askLongSecret : askOneLineSecret
  return (await ask(streams, secret)) ?? question.current
}

function whenEmpty({ current, stored, required }: FieldQuestion): SecretQuestion['empty'] {
  if (current !== undefined) return 'keep entered'
  if (isPresent(stored)) return 'keep stored'
  return required ? 'refuse' : 'leave'
}

async function askBoolean(streams: Streams, question: FieldQuestion): Promise<FieldAnswer | undefined> {
  const { field, stored, current } = question
  const preset = presetOf(field, current ?? stored) === 'true'
  const answer = await promptConfirm(streams, field.label, preset)
  return answer === stored ? undefined : answer
}

async function askChoice(streams: Streams, question: FieldQuestion): Promise<FieldAnswer | undefined> {
  const { field, stored, current } = question
  const choices: Choice<string | undefined>[] = (field.choices ?? []).map(value => ({ value, name: value }))
  const mayBeEmpty = isPresent(stored) ? stored instanceof Secret : !question.required && field.default === undefined
  if (mayBeEmpty) choices.unshift({ value: undefined, name: isPresent(stored) ? '(keep the stored value)' : '(none)' })
  const answer = await promptSelect(streams, field.label, { choices, preset: presetOf(field, current ?? stored) })
  return answer === stored ? undefined : answer
}

async function askText(streams: Streams, question: FieldQuestion): Promise<FieldAnswer | undefined> {
  const { field, stored } = question
  const preset = presetOf(field, stored)
  const mayBeEmpty = isPresent(stored) || !question.required
  const ending = preset !== undefined || !mayBeEmpty ? '' : isPresent(stored) ? ' (Enter keeps it)' : ' (optional)'
  const check = (text: string) => {
    if (text !== '') return question.check(text)
    return mayBeEmpty ? undefined : 'a value is required'
  }
  const current = question.current?.toString()
  const text = await promptLine(streams, { message: `${field.label}${ending}:`, default: preset, current, check })
  if (text === '' || (isPresent(stored) && text === preset)) return undefined
  return field.kind === 'integer' && /^\d+$/.test(text) ? Number(text) : text
}

function presetOf(field: Field, known: unknown): string | undefined {
  if (known instanceof Secret) return undefined
  return isPresent(known) ? String(known) : field.default?.toString()
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}
