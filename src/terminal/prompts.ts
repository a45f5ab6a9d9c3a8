import { toPrintable } from './printable.ts'
import { typeText } from './prompt-keys.ts'
import type { Streams } from './streams.ts'
import { withInquirer } from './with-inquirer.ts'

/** Returns the problem with the text, or undefined if it is valid. */
export type Validate = (text: string) => string | undefined

/** One option of a list; `name` is shown. */
export interface Choice<T> {
  readonly value: T
  readonly name: string
}

/** A question for a line of text. `shown` changes only what the screen shows. */
export interface LineQuestion {
  readonly message: string
  /** Returned for an empty answer. */
  readonly default?: string | undefined
  /** The input line contains this text, which the user can edit. */
  readonly current?: string | undefined
  readonly check?: Validate | undefined
  readonly shown?: ((text: string) => string) | undefined
}

/** Asks for a line of text, which is visible and trimmed. */
export async function promptLine(streams: Streams, question: LineQuestion): Promise<string> {
  const [preset = '', current = ''] = [question.default, question.current]
  const known = [preset, current].map(text => [toPrintable(text), text] as const)
  const given = (text: string) => known.find(([printable]) => printable === text)?.[1] ?? text.trim()
  const { check, shown } = question
  const text = await withInquirer(streams, ({ input }, context) => {
    const validate = (answer: string) => validationResult(check?.(given(answer)))
    const transform = shown ? { transformer: shown } : {}
    const message = toPrintable(question.message)
    const answer = input({ message, default: toPrintable(preset), validate, ...transform }, context)
    // Typed in place of the user, because the library's own prefill comes back when the user clears the line.
    if (current !== '') setImmediate(() => typeText(context.input, toPrintable(current)))
    return answer
  })
  return given(text)
}

/** Asks for one line that is shown as stars. No key reveals it, and it is not trimmed. */
export async function promptHidden(streams: Streams, message: string, check: Validate): Promise<string> {
  const { hidden } = await import('./hidden-prompt.ts')
  return withInquirer(streams, (_, context) => {
    const validate = (answer: string) => validationResult(check(answer))
    return hidden({ message: toPrintable(message), validate }, context)
  })
}

/** Asks a yes/no question. */
export function promptConfirm(streams: Streams, message: string, preset: boolean): Promise<boolean> {
  return withInquirer(streams, ({ confirm }, context) =>
    confirm({ message: toPrintable(message), default: preset }, context),
  )
}

/** Asks the user to select one of a few options. */
export function promptSelect<T>(
  streams: Streams,
  message: string,
  { choices, preset }: { choices: readonly Choice<T>[]; preset?: T | undefined },
): Promise<T> {
  const named = choices.map((choice, value) => ({ value, name: toPrintable(choice.name) }))
  const position = choices.findIndex(choice => choice.value === preset)
  return withInquirer(streams, ({ select }, context) =>
    select({ message: toPrintable(message), choices: named, default: Math.max(0, position) }, context),
  ).then(picked => choiceAt(choices, picked))
}

/** Asks the user to select one of many options; typing filters them. */
export function promptSearch<T>(
  streams: Streams,
  message: string,
  { choices, preset }: { choices: readonly Choice<T>[]; preset?: T | undefined },
): Promise<T> {
  const position = choices.findIndex(choice => choice.value === preset)
  const named = choices.map((choice, value) => ({ value, name: toPrintable(choice.name) }))
  return withInquirer(streams, ({ search }, context) => {
    const source = (term = '') => named.filter(({ name }) => name.toLowerCase().includes(term.trim().toLowerCase()))
    return search({ message: toPrintable(message), source, pageSize: 10, default: Math.max(0, position) }, context)
  }).then(picked => choiceAt(choices, picked))
}

function choiceAt<T>(choices: readonly Choice<T>[], position: number): T {
  const choice = choices[position]
  if (!choice) throw new Error(`choice ${position} of ${choices.length} was selected`)
  return choice.value
}

function validationResult(problem: string | undefined): true | string {
  return problem === undefined ? true : toPrintable(problem)
}
