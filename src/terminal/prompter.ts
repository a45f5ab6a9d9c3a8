import type { Secret } from '../domain/secret.ts'
import type { SourceType } from '../source-types/source-type.ts'
import { askFields, type FieldAnswers, type FieldsQuestion, type Questioner } from './ask-fields.ts'
import { askOneLineSecret, pasteSecret } from './ask-secret.ts'
import { askOnce, openDialogue } from './dialogue.ts'
import { printAtPrompt } from './messages.ts'
import { toPrintable } from './printable.ts'
import { PromptCancelled, WentBack } from './prompt-exit.ts'
import { type Choice, promptConfirm, promptLine, promptSearch, promptSelect, type Validate } from './prompts.ts'
import { type Decision, reviewSummary, type Summary } from './review.ts'
import type { Streams } from './streams.ts'

/** How entered text is validated. Empty text is rejected, unless it is optional or has a default. */
export interface TextOptions {
  readonly default?: string | undefined
  readonly optional?: boolean | undefined
  readonly check?: Validate | undefined
  /** The value that the user is about to change. */
  readonly current?: string | undefined
}

/** A series of questions in which Escape goes back: see `Dialogue`. */
export interface PromptDialogue {
  run<T>(work: (prompter: Prompter) => Promise<T>): Promise<T>
  /**
   * Makes the next run ask the last question again. `revise` returns the current value of an answer changed elsewhere.
   */
  reopen(revise: (key: string, answer: unknown) => unknown): void
}

/**
 * Prompts the user; requires `isInteractive`. Every method throws `interrupted` on Ctrl-C and restores the terminal.
 */
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
  /** Prints a line at once, in every output format. */
  tell(text: string): void
  dialogue(): PromptDialogue
  /**
   * Runs questions that the user can leave with Ctrl-C, or with Escape at the first question. Returns undefined then.
   */
  detour<T>(work: (prompter: Prompter) => Promise<T>): Promise<T | undefined>
  /** Asks the user to confirm by typing a name; returns only after the name was typed correctly. */
  askName(question: string, expected: string): Promise<void>
  reviewSummary(summary: Summary): Promise<Decision>
}

export function createPrompter(streams: Streams): Prompter {
  return prompterFor({ streams, ask: askOnce })
}

function prompterFor(questioner: Questioner): Prompter {
  const { streams, ask } = questioner
  return {
    askType: types => ask<SourceType>('type', earlier => askType(streams, types, earlier)),
    askFields: question => askFields(questioner, question),
    askText: (label, options = {}) =>
      ask<string>(label, (current = options.current) => askText(streams, label, { ...options, current })),
    askSecret: (label, check = () => undefined) =>
      ask<Secret<string>>(label, earlier => askSecret(streams, { label, check, earlier })),
    pasteSecret: label => ask<Secret<string>>(label, () => pasteSecret(streams, label)),
    askChoice: <T>(label: string, choices: readonly Choice<T>[]) =>
      ask<T>(label, preset => promptSelect(streams, label, { choices, preset })),
    confirm: (question, preset) =>
      ask<boolean>(question, (earlier = preset) => promptConfirm(streams, question, earlier)),
    tell: text => printAtPrompt(streams, text),
    dialogue: () => promptDialogue(streams, { leave: false }),
    detour: work => promptDialogue(streams, { leave: true }).run(work).catch(ignoreLeaving),
    askName: (question, expected) => askName(streams, question, expected),
    reviewSummary: summary => reviewSummary(streams, summary),
  }
}

function promptDialogue(streams: Streams, options: { leave: boolean }): PromptDialogue {
  const { run, reopen } = openDialogue(options)
  const within = { ...streams, canGoBack: true }
  return { reopen, run: work => run(ask => work(prompterFor({ streams: within, ask }))) }
}

function ignoreLeaving(error: unknown): undefined {
  if (!(error instanceof PromptCancelled || error instanceof WentBack)) throw error
}

function askType(streams: Streams, types: readonly SourceType[], preset: SourceType | undefined): Promise<SourceType> {
  const choices = types.map(type => ({ value: type, name: `${type.label} (${type.name})` }))
  return promptSearch(streams, 'Type', { choices, preset })
}

function askText(streams: Streams, label: string, options: TextOptions): Promise<string> {
  const check = (text: string) => {
    if (text !== '') return options.check?.(text)
    return options.optional ? undefined : 'a value is required'
  }
  const ending = options.optional && options.default === undefined ? ' (optional)' : ''
  return promptLine(streams, { ...options, message: `${label}${ending}:`, check })
}

async function askSecret(
  streams: Streams,
  { label, check, earlier }: { label: string; check: Validate; earlier: Secret<string> | undefined },
): Promise<Secret<string>> {
  const secret = await askOneLineSecret(streams, { label, check, empty: earlier ? 'keep entered' : 'refuse' })
  const answer = secret ?? earlier
  if (!answer) throw new Error('an empty secret was accepted')
  return answer
}

async function askName(streams: Streams, question: string, expected: string): Promise<void> {
  const wanted = toPrintable(expected).trim()
  const isWanted = (text: string) => text.normalize('NFC') === wanted.normalize('NFC')
  const check = (text: string) => (isWanted(text) ? undefined : 'the name does not match; press Ctrl-C to cancel')
  await promptLine(streams, { message: `${question} Type ${wanted} to confirm:`, check })
}
