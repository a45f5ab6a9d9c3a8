import type { Secret } from '../domain/secret.ts'
import type { SourceType } from '../source-types/source-type.ts'
import { askFields, type FieldAnswers, type FieldsQuestion } from './ask-fields.ts'
import { askOneLineSecret, pasteSecret } from './ask-secret.ts'
import { toPrintable } from './printable.ts'
import { type Choice, promptConfirm, promptLine, promptSearch, promptSelect, type Validate } from './prompts.ts'
import { type Decision, type ReviewRow, reviewSummary } from './review.ts'
import type { Streams } from './streams.ts'

/** How an answer in text is judged; an empty one is refused, unless it is optional or there is a default. */
export interface TextOptions {
  readonly default?: string | undefined
  readonly optional?: boolean | undefined
  readonly check?: Validate | undefined
}

/** Asks a person. Only where `canAsk`. Every method throws `interrupted` on Ctrl-C, with the terminal restored. */
export interface Prompter {
  askType(types: readonly SourceType[]): Promise<SourceType>
  askFields(question: FieldsQuestion): Promise<FieldAnswers>
  /** A line of text, trimmed; empty where it is optional. */
  askText(label: string, options?: TextOptions): Promise<string>
  /** A one-line secret that belongs to no field, such as a login's password. */
  askSecret(label: string, check?: Validate): Promise<Secret<string>>
  /** A secret of several lines, pasted unseen; it may be empty. */
  pasteSecret(label: string): Promise<Secret<string>>
  askChoice<T>(label: string, choices: readonly Choice<T>[]): Promise<T>
  confirm(question: string, preset: boolean): Promise<boolean>
  /** Asks a question that is answered by typing the name, to confirm that it may go; comes back only once it is. */
  askName(question: string, expected: string): Promise<void>
  reviewSummary(rows: readonly ReviewRow[], question: string): Promise<Decision>
}

export function createPrompter(streams: Streams): Prompter {
  return {
    askType: types => askType(streams, types),
    askFields: question => askFields(streams, question),
    askText: (label, options = {}) => askText(streams, label, options),
    askSecret: (label, check = () => undefined) => askSecret(streams, label, check),
    pasteSecret: label => pasteSecret(streams, label),
    askChoice: (label, choices) => promptSelect(streams, label, { choices }),
    confirm: (question, preset) => promptConfirm(streams, question, preset),
    askName: (question, expected) => askName(streams, question, expected),
    reviewSummary: (rows, question) => reviewSummary(streams, rows, question),
  }
}

function askType(streams: Streams, types: readonly SourceType[]): Promise<SourceType> {
  const choices = types.map(type => ({ value: type, name: `${type.label} (${type.name})` }))
  return promptSearch(streams, 'Type', choices)
}

function askText(streams: Streams, label: string, options: TextOptions): Promise<string> {
  const check = (text: string) => {
    if (text !== '') return options.check?.(text)
    return options.optional ? undefined : 'a value is needed'
  }
  const ending = options.optional && options.default === undefined ? ' (optional)' : ''
  return promptLine(streams, { message: `${label}${ending}:`, default: options.default, check })
}

async function askSecret(streams: Streams, label: string, check: Validate): Promise<Secret<string>> {
  const secret = await askOneLineSecret(streams, { label, check, empty: 'refuse' })
  if (!secret) throw new Error('an empty secret was accepted')
  return secret
}

async function askName(streams: Streams, question: string, expected: string): Promise<void> {
  const wanted = toPrintable(expected).trim()
  const check = (text: string) => (text === wanted ? undefined : 'that is not the name; Ctrl-C leaves it as it is')
  await promptLine(streams, { message: `${question} Type ${wanted} to confirm:`, check })
}
