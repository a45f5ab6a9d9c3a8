import type { Secret } from '../domain/secret.ts'
import type { SourceType } from '../source-types/source-type.ts'
import { askFields, type FieldAnswers, type FieldsQuestion } from './ask-fields.ts'
import { askOneLineSecret, pasteSecret } from './ask-secret.ts'
import { toPrintable } from './printable.ts'
import { type Choice, promptConfirm, promptLine, promptSearch, promptSelect, type Validate } from './prompts.ts'
import { type Decision, type ReviewRow, reviewSummary } from './review.ts'
import type { Streams } from './streams.ts'

/** How a text is validated. An empty one is rejected, unless it is optional or has a default. */
export interface TextOptions {
  readonly default?: string | undefined
  readonly optional?: boolean | undefined
  readonly check?: Validate | undefined
}

/** Prompts the user; requires `isInteractive`. Every method throws `interrupted` on Ctrl-C and restores the terminal. */
export interface Prompter {
  askType(types: readonly SourceType[]): Promise<SourceType>
  askFields(question: FieldsQuestion): Promise<FieldAnswers>
  /** Asks for a line of text, which is trimmed; may be empty if it is optional. */
  askText(label: string, options?: TextOptions): Promise<string>
  /** Asks for a one-line secret that is not a field, for example a login's password. */
  askSecret(label: string, check?: Validate): Promise<Secret<string>>
  /** Asks the user to paste a secret of several lines, which is not shown; may be empty. */
  pasteSecret(label: string): Promise<Secret<string>>
  askChoice<T>(label: string, choices: readonly Choice<T>[]): Promise<T>
  confirm(question: string, preset: boolean): Promise<boolean>
  /** Asks the user to confirm by typing a name; returns only after the name was typed correctly. */
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
    return options.optional ? undefined : 'a value is required'
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
  const check = (text: string) => (text === wanted ? undefined : 'the name does not match; press Ctrl-C to cancel')
  await promptLine(streams, { message: `${question} Type ${wanted} to confirm:`, check })
}
