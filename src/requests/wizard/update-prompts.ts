import { DsctlError } from '../../domain/errors.ts'
import type { WithCredentials } from '../../operations/credentials.ts'
import { getSourceType } from '../../source-types/index.ts'
import { normalizeCredentials } from '../../source-types/normalize.ts'
import type { FieldAnswers } from '../../terminal/ask-fields.ts'
import type { Prompter } from '../../terminal/prompter.ts'
import { checkField } from './create-prompts.ts'

interface FieldPrompts {
  /** The fields entered so far, which replace the stored ones as defaults. */
  readonly changes?: FieldAnswers
  /** Prompts only for these fields. */
  readonly only?: readonly string[]
}

/** Prompts for the fields to change. The stored values are the defaults, except secrets, which are never shown. */
export async function promptForChanges(
  prompter: Prompter,
  { record, credentials }: WithCredentials,
  { changes = {}, only }: FieldPrompts = {},
): Promise<FieldAnswers> {
  const type = getSourceType(record.type)
  const stored = credentials ? defaults(record.type, credentials) : undefined
  const check = (field: string, text: string) => checkField(type, field, text)
  if (!only) return prompter.askFields({ type, given: {}, stored, check })
  return prompter.askFields({ type, given: {}, stored: { ...stored, ...changes }, only, check })
}

/** Shows the changes, with secrets masked, and asks what to do. Throws `interrupted` on cancel. */
export async function reviewUpdate(prompter: Prompter, typeName: string, changes: FieldAnswers) {
  const { fields } = getSourceType(typeName)
  const rows = Object.entries(changes).map(([field, value]) => ({ field, label: fields[field]?.label ?? field, value }))
  const decision = await prompter.reviewSummary(rows, `Save the changes to ${Object.keys(changes).join(', ')}?`)
  if (decision.kind === 'cancel') throw new DsctlError('interrupted', 'Cancelled: nothing was written.')
  return decision
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
