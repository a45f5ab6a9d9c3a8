import type { Context } from '../../cli/context.ts'
import { DsctlError, invalid } from '../../domain/errors.ts'
import { permitted } from '../../operations/authorize.ts'
import { readStored } from '../../operations/credentials.ts'
import type { Stores } from '../../operations/stores.ts'
import type { UpdateRequest } from '../../operations/update-request.ts'
import { getSourceType } from '../../source-types/index.ts'
import { normalizeCredentials } from '../../source-types/normalize.ts'
import type { SourceType } from '../../source-types/source-type.ts'
import type { FieldAnswers } from '../../terminal/ask-fields.ts'
import type { Prompter } from '../../terminal/prompter.ts'
import { checkField } from './create-prompts.ts'
import { askWhatNow } from './retry-prompt.ts'

/**
 * Asks a person what to change: the present values are the defaults, Enter keeps them, a secret is never shown. Throws
 * `invalid` where nobody may be asked: an update without a change is a mistake.
 */
export async function askForChanges(context: Context, stores: Stores, request: UpdateRequest): Promise<UpdateRequest> {
  const prompter = await context.prompter()
  if (!prompter)
    throw invalid('There is nothing to update.', [], 'Say what to change, for instance --host HOST or --set-name NAME.')
  const { record } = permitted(await stores.records.find(stores.caller, request.ref), request.ref.text)
  const type = getSourceType(record.type)
  const { credentials } = await readStored(stores, record)
  const stored = credentials ? shownAsDefaults(record.type, credentials) : undefined
  const check = (field: string, text: string) => checkField(type, field, text)
  let fields = await prompter.askFields({ type, given: {}, stored, check })
  while (Object.keys(fields).length > 0) {
    const question = `Save the changes to ${Object.keys(fields).join(', ')}?`
    const decision = await prompter.reviewSummary(rowsOf(type, fields), question)
    const changes = { ...request, ref: { text: record.id, env: undefined }, fields }
    if (decision.kind === 'save') return changes
    if (decision.kind === 'test') {
      fields = { ...fields, ...(await tested({ context, prompter, stores }, changes)) }
      continue
    }
    if (decision.kind !== 'edit') throw new DsctlError('interrupted', 'Cancelled: nothing was written.')
    const present = { ...stored, ...fields }
    const again = await prompter.askFields({ type, given: {}, stored: present, only: [decision.field], check })
    fields = { ...fields, ...again }
  }
  return { ...request, fields }
}

/** Tells whether it would connect; answers the jump host's key, where the person took one as right. */
async function tested(
  { context, prompter, stores }: { context: Context; prompter: Prompter; stores: Stores },
  changes: UpdateRequest,
): Promise<FieldAnswers> {
  const { testChanges } = await import('../test-request.ts')
  try {
    const { verdict, acceptedHostKey } = await testChanges(context, stores, changes)
    context.note(verdict.ok ? verdict.message : `Stage ${verdict.stage}, ${verdict.code}: ${verdict.message}`)
    return acceptedHostKey === undefined ? {} : { ssh_host_key: acceptedHostKey }
  } catch (error) {
    await askWhatNow({ context, prompter }, error, [{ value: 'on', name: 'Go on' }])
    return {}
  }
}

/** What is to be changed; a secret is sealed. */
function rowsOf({ fields }: SourceType, changed: FieldAnswers) {
  return Object.entries(changed).map(([field, value]) => ({ field, label: fields[field]?.label ?? field, value }))
}

function shownAsDefaults(typeName: string, credentials: Parameters<typeof normalizeCredentials>[1]) {
  const type = getSourceType(typeName)
  const known = Object.entries(normalizeCredentials(type, credentials)).filter(([name]) =>
    Object.hasOwn(type.fields, name),
  )
  return Object.fromEntries(
    known.map(([name, value]) => [name, type.fields[name]?.secret === false ? value.reveal() : value]),
  )
}
