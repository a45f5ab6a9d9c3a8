import { DsctlError } from '../../domain/errors.ts'
import type { WithCredentials } from '../../operations/credentials.ts'
import { alternativeInUse, alternativesOf } from '../../source-types/alternatives.ts'
import { getSourceType } from '../../source-types/index.ts'
import { normalizeCredentials } from '../../source-types/normalize.ts'
import type { FieldAnswers, FieldsQuestion } from '../../terminal/ask-fields.ts'
import type { Prompter } from '../../terminal/prompter.ts'
import type { Summary } from '../../terminal/review.ts'
import { checkField } from './create-prompts.ts'

/** The questions for the fields to change. Enter keeps a stored value; secrets are never shown. */
export interface UpdateQuestions {
  /** Asks them all. Returns the changes. */
  ask(): Promise<FieldAnswers>
  /** Goes back to the last question. `changes`: the changes that the user has made so far. */
  askAgain(changes: FieldAnswers): Promise<FieldAnswers>
  /** Lets the user change a field again. Returns the same changes if the user leaves the question. */
  edit(changes: FieldAnswers, field: string): Promise<FieldAnswers>
}

/** Opens the questions about a data source. */
export function updateQuestions(prompter: Prompter, current: WithCredentials): UpdateQuestions {
  const dialogue = prompter.dialogue()
  const question = questionFor(current)
  return {
    ask: () => dialogue.run(each => each.askFields(question)),
    async askAgain(changes) {
      const asked = new Set<string>()
      dialogue.reopen((key, answer) => {
        asked.add(key)
        const { type } = question
        return Object.hasOwn(type.fields, key) ? changes[key] : (alternativeInUse(type, key, changes) ?? answer)
      })
      const answers = await dialogue.run(each => each.askFields(question))
      return { ...Object.fromEntries(Object.entries(changes).filter(([field]) => !asked.has(field))), ...answers }
    },
    async edit(changes, field) {
      const only = alternativesOf(question.type, field)
      const ask = (each: Prompter) => each.askFields({ ...question, only, current: changes })
      const edited = await prompter.detour(ask)
      if (!edited) return changes
      return { ...Object.fromEntries(Object.entries(changes).filter(([name]) => !only.includes(name))), ...edited }
    },
  }
}

interface Review {
  readonly changes: FieldAnswers
  readonly result: Summary['result']
}

/** Shows the changes, with secrets masked, and asks what to do. Throws `interrupted` on cancel. */
export async function reviewUpdate(prompter: Prompter, { record }: WithCredentials, { changes, result }: Review) {
  const { label: typeLabel, name: typeName, fields } = getSourceType(record.type)
  const rows = [
    { field: undefined, label: 'Type', value: `${typeLabel} (${typeName})` },
    { field: undefined, label: 'Name', value: record.name },
    ...Object.entries(changes).map(([field, value]) => ({ field, label: fields[field]?.label ?? field, value })),
  ]
  const question = `Save the changes to ${Object.keys(changes).join(', ')}?`
  const decision = await prompter.reviewSummary({ rows, question, result })
  if (decision.kind === 'cancel') throw new DsctlError('interrupted', 'Cancelled: nothing was written.')
  return decision
}

function questionFor({ record, credentials }: WithCredentials): FieldsQuestion {
  const type = getSourceType(record.type)
  const stored = credentials ? defaults(record.type, credentials) : undefined
  return { type, given: {}, stored, check: (field, text) => checkField(type, field, text) }
}

function defaults(typeName: string, credentials: Parameters<typeof normalizeCredentials>[1]) {
  const type = getSourceType(typeName)
  const known = Object.entries(normalizeCredentials(type, credentials)).filter(([name]) =>
    Object.hasOwn(type.fields, name),
  )
  return Object.fromEntries(
    known.map(([name, value]) => [name, type.fields[name]?.secret === false ? value.reveal() : value]),
  )
}
