import { DsctlError } from '../../domain/errors.ts'
import type { CreateRequest } from '../../operations/create.ts'
import { alternativeInUse } from '../../source-types/alternatives.ts'
import { checkEnv, checkName } from '../../source-types/check-name.ts'
import { getSourceType, sourceTypes } from '../../source-types/index.ts'
import { parseFields } from '../../source-types/parse-fields.ts'
import type { SourceType } from '../../source-types/source-type.ts'
import type { Prompter } from '../../terminal/prompter.ts'
import type { Summary } from '../../terminal/review.ts'
import type { RequestDraft } from '../validate-request.ts'

/** The questions for the missing values of a draft. */
export interface CreateQuestions {
  /** Asks them all. */
  ask(): Promise<RequestDraft>
  /** Goes back to the last question. `draft` has the answers as the user has changed them since. */
  askAgain(draft: RequestDraft): Promise<RequestDraft>
}

/** Opens the questions for the values that `given` lacks. */
export function createQuestions(prompter: Prompter, given: RequestDraft): CreateQuestions {
  const dialogue = prompter.dialogue()
  return {
    ask: () => dialogue.run(each => promptForMissing(each, given)),
    askAgain(draft) {
      const asked = new Set<string>()
      dialogue.reopen((key, answer) => {
        asked.add(key)
        return answerIn(draft, key, answer)
      })
      return dialogue.run(each => promptForMissing(each, withoutAnswers(draft, asked)))
    },
  }
}

/** Shows what would be saved, with secrets masked, and asks what to do. Throws `interrupted` on cancel. */
export async function reviewCreate(prompter: Prompter, request: CreateRequest, result: Summary['result']) {
  const rows = reviewRows(getSourceType(request.type), request)
  const decision = await prompter.reviewSummary({ rows, question: 'Save this data source?', result })
  if (decision.kind === 'cancel') throw new DsctlError('interrupted', 'Cancelled: nothing was written.')
  return decision
}

/** The problem with the text entered for a field, otherwise undefined. */
export function checkField(type: SourceType, field: string, text: string): string | undefined {
  return parseFields(type, { [field]: text }, 'create').problems[0]?.message
}

/** Asks for the name. The input line contains `current`, which the user can edit. */
export function promptForName(prompter: Prompter, current?: string): Promise<string> {
  return prompter.askText(NAME, { current, check: text => problemOf(checkName(text)) })
}

/** Asks for the env. The input line contains `current`, which the user can edit. */
export function promptForEnv(prompter: Prompter, current?: string): Promise<string> {
  return prompter.askText(ENV, { current, check: text => problemOf(checkEnv(text)) })
}

const NAME = 'Name'
const ENV = 'Env'

async function promptForMissing(prompter: Prompter, draft: RequestDraft): Promise<RequestDraft> {
  const type = draft.type === undefined ? await prompter.askType(sourceTypes) : getSourceType(draft.type)
  const name = draft.name ?? (await promptForName(prompter))
  const env = draft.env ?? (await promptForEnv(prompter))
  const { given } = parseFields(type, draft.fields, 'create')
  const answers = await prompter.askFields({ type, given, check: (field, text) => checkField(type, field, text) })
  return { name, env, type: type.name, fields: { ...draft.fields, ...answers } }
}

/** The value that the draft has for a question that was already answered. */
function answerIn({ name, env, type, fields }: RequestDraft, key: string, answer: unknown): unknown {
  if (key === NAME) return name
  if (key === ENV) return env
  const known = getSourceType(type)
  if (Object.hasOwn(known.fields, key)) return fields[key]
  return alternativeInUse(known, key, fields) ?? answer
}

/** The values of a draft that were not answers to these questions. */
function withoutAnswers({ name, env, type, fields }: RequestDraft, asked: ReadonlySet<string>): RequestDraft {
  return {
    name: asked.has(NAME) ? undefined : name,
    env: asked.has(ENV) ? undefined : env,
    type: asked.has('type') ? undefined : type,
    fields: Object.fromEntries(Object.entries(fields).filter(([field]) => !asked.has(field))),
  }
}

function reviewRows(type: SourceType, { name, env, credentials }: CreateRequest): Summary['rows'] {
  const fields = Object.entries(type.fields).flatMap(([field, { label, secret }]) => {
    const value = credentials[field]
    return value ? [{ field, label, value: secret ? value : value.reveal() }] : []
  })
  return [
    { field: undefined, label: 'Type', value: `${type.label} (${type.name})` },
    { field: 'name', label: NAME, value: name },
    { field: 'env', label: ENV, value: env },
    ...fields,
  ]
}

function problemOf(checked: ReturnType<typeof checkName>): string | undefined {
  return 'problem' in checked ? checked.problem.message : undefined
}
