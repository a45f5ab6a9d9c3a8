import { Secret } from '../domain/secret.ts'
import { type Field, MULTILINE_KINDS } from '../source-types/source-type.ts'
import { askLongSecret, askOneLineSecret } from './ask-secret.ts'
import { type Choice, promptConfirm, promptLine, promptSelect } from './prompts.ts'
import type { Streams } from './streams.ts'

/** What a person gave for a field: a secret is sealed. */
export type FieldAnswer = string | number | boolean | Secret<string>

/** One field to ask for. */
export interface FieldQuestion {
  readonly field: Field
  /** Whether an empty answer is refused; a group that is wanted may need what its field alone does not. */
  readonly required: boolean
  /** The present value, which Enter keeps. A secret, or a sealed value, is not shown: it only tells that there is one. */
  readonly present: unknown
  /** The message that the field's flag would give for this text, or undefined. */
  readonly check: (text: string) => string | undefined
}

/** Asks for one field as its kind wants it; undefined where it is left out, or kept as it is. */
export function askField(streams: Streams, question: FieldQuestion): Promise<FieldAnswer | undefined> {
  const { field } = question
  if (field.secret || MULTILINE_KINDS.includes(field.kind)) return askHiddenField(streams, question)
  if (field.kind === 'boolean') return askBoolean(streams, question)
  if (field.kind === 'choice') return askChoice(streams, question)
  return askText(streams, question)
}

async function askHiddenField(streams: Streams, question: FieldQuestion): Promise<FieldAnswer | undefined> {
  const { field, check } = question
  const needed = question.required ? 'refuse' : 'leave'
  const secret = { label: field.label, check, empty: isPresent(question.present) ? ('keep' as const) : needed } as const
  return MULTILINE_KINDS.includes(field.kind) ? askLongSecret(streams, secret) : askOneLineSecret(streams, secret)
}

async function askBoolean(streams: Streams, { field, present }: FieldQuestion): Promise<FieldAnswer | undefined> {
  const preset = typeof present === 'boolean' ? present : field.default === true
  const answer = await promptConfirm(streams, field.label, preset)
  return answer === present ? undefined : answer
}

async function askChoice(streams: Streams, question: FieldQuestion): Promise<FieldAnswer | undefined> {
  const { field, present } = question
  const choices: Choice<string | undefined>[] = (field.choices ?? []).map(value => ({ value, name: value }))
  const mayBeEmpty = isPresent(present) ? present instanceof Secret : !question.required && field.default === undefined
  if (mayBeEmpty) choices.unshift({ value: undefined, name: isPresent(present) ? '(keep it)' : '(none)' })
  const answer = await promptSelect(streams, field.label, { choices, preset: presetOf(question) })
  return answer === present ? undefined : answer
}

async function askText(streams: Streams, question: FieldQuestion): Promise<FieldAnswer | undefined> {
  const { field, present } = question
  const preset = presetOf(question)
  const mayBeEmpty = isPresent(present) || !question.required
  const ending = preset !== undefined || !mayBeEmpty ? '' : isPresent(present) ? ' (Enter keeps it)' : ' (optional)'
  const check = (text: string) => {
    if (text !== '') return question.check(text)
    return mayBeEmpty ? undefined : 'a value is needed'
  }
  const text = await promptLine(streams, { message: `${field.label}${ending}:`, default: preset, check })
  if (text === '' || (isPresent(present) && text === preset)) return undefined
  return field.kind === 'integer' && /^\d+$/.test(text) ? Number(text) : text
}

function presetOf({ field, present }: FieldQuestion): string | undefined {
  if (present instanceof Secret) return undefined
  return isPresent(present) ? String(present) : field.default?.toString()
}

function isPresent(present: unknown): boolean {
  return present !== undefined && present !== null
}
