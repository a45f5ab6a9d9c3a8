import type { FieldProblem } from '../domain/errors.ts'
import { alternativesKey } from '../source-types/alternatives.ts'
import type { SourceType } from '../source-types/source-type.ts'
import { askField, type FieldAnswer } from './ask-field.ts'
import { groupOf, isIncomplete, type KnownFields, planSteps, prerequisiteOf, type Step, stepsFor } from './ask-steps.ts'
import type { Ask } from './dialogue.ts'
import { printAtPrompt } from './messages.ts'
import { promptConfirm, promptSelect } from './prompts.ts'
import type { Streams } from './streams.ts'

/** A question for the fields of a data source. */
export interface FieldsQuestion {
  readonly type: SourceType
  /** Values that are already given, by field name. These fields are not asked for. */
  readonly given: Readonly<Record<string, unknown>>
  /** In an update, the stored values. Enter keeps them. They are shown as defaults, unless secret or sealed. */
  readonly stored?: Readonly<Record<string, unknown>> | undefined
  /** Ask only for these fields, even if they are already given, so that the user can change them. */
  readonly only?: readonly string[] | undefined
  /** The values that the user is about to change. */
  readonly current?: FieldAnswers | undefined
  /** Problems to print before the first question, one per line. */
  readonly problems?: readonly FieldProblem[] | undefined
  /** Validates the text like the field's flag does. Returns the problem, or undefined. Must not quote a secret. */
  readonly check: (field: string, text: string) => string | undefined
}

export type FieldAnswers = Readonly<Record<string, FieldAnswer>>

/** The terminal to ask on, and whether the user can go back. */
export interface Questioner {
  readonly streams: Streams
  readonly ask: Ask
}

/**
 * Asks for the missing fields, and for groups of optional fields if the user wants them. Asks nothing if no required
 * field is missing, unless it is an update or `only` is given. The answers leave out fields that the user skipped or
 * kept. Throws `interrupted`.
 */
export async function askFields(questioner: Questioner, question: FieldsQuestion): Promise<FieldAnswers> {
  const { only, stored, problems = [] } = question
  for (const { field, message } of problems) printAtPrompt(questioner.streams, `${field}: ${message}`)
  const known: KnownFields = { type: question.type, given: withoutOnly(question), stored: stored ?? {} }
  if (!only && !stored && !isIncomplete(known)) return {}
  const asking = { ...questioner, question, known, answers: new Map<string, FieldAnswer>() }
  for (const step of only ? stepsFor(known, only) : planSteps(known)) await runStep(asking, step)
  return Object.fromEntries(asking.answers)
}

interface Asking extends Questioner {
  readonly question: FieldsQuestion
  readonly known: KnownFields
  readonly answers: Map<string, FieldAnswer>
}

async function runStep(asking: Asking, step: Step): Promise<void> {
  if (step.kind === 'field') return askOne(asking, step.name)
  if (step.kind === 'one-of') return askAlternative(asking, step.names)
  const confirm = (earlier = false) => promptConfirm(asking.streams, step.question, earlier)
  if (!(await asking.ask(step.question, confirm))) return
  for (const name of step.names) await askOne(asking, name, { inGroup: true })
}

async function askAlternative(asking: Asking, names: readonly string[]): Promise<void> {
  const { streams, known, question } = asking
  const present = names.find(name => name in known.stored)
  const current = names.find(name => question.current?.[name] !== undefined)
  const choices: { value: string | undefined; name: string }[] = names.map(value => ({
    value,
    name: known.type.fields[value]?.label ?? value,
  }))
  if (present !== undefined) choices.unshift({ value: undefined, name: 'Keep the stored value' })
  const preset = current ?? (present === undefined ? names[0] : undefined)
  const picked = await asking.ask<string | undefined>(alternativesKey(names), (earlier = preset) =>
    promptSelect(streams, 'Which one?', { choices, preset: earlier }),
  )
  if (picked !== undefined) await askOne(asking, picked, { inGroup: true, chosen: true })
}

async function askOne(asking: Asking, name: string, { inGroup = false, chosen = false } = {}): Promise<void> {
  const { streams, question, known, answers } = asking
  const field = known.type.fields[name]
  if (!field || !isApplicable(asking, name)) return
  const group = groupOf(known.type, name)
  const neededByGroup = inGroup ? group.length > 0 : group.some(other => other in known.given)
  const details = {
    field,
    required: chosen || field.required || neededByGroup,
    stored: chosen ? undefined : known.stored[name],
    check: (text: string) => question.check(name, text),
  }
  const answer = await asking.ask<FieldAnswer | undefined>(name, (current = question.current?.[name]) =>
    askField(streams, { ...details, current }),
  )
  if (answer !== undefined) answers.set(name, answer)
}

function isApplicable({ known, answers }: Asking, name: string): boolean {
  const needs = prerequisiteOf(known.type, name)
  return needs === undefined || answers.has(needs) || needs in known.given || needs in known.stored
}

function withoutOnly({ given, only }: FieldsQuestion): Readonly<Record<string, unknown>> {
  return only ? Object.fromEntries(Object.entries(given).filter(([name]) => !only.includes(name))) : given
}
