import { permitted } from './authorize.ts'
import { readCredentials } from './credentials.ts'
import { getExpected } from './get-expected.ts'
import { getRecord } from './get-record.ts'
import type { Stores } from './stores.ts'
import { beginStep } from './two-stores/begin.ts'
import { explainNameTaken, nameTakenError } from './two-stores/name-taken.ts'
import { updateCredentials } from './update-credentials.ts'
import type { UpdateRequest, UpdateResult } from './update-request.ts'

/**
 * Changes the given fields and leaves the others. Without `readBack`, the result of an update of name or env alone has
 * no credentials, which saves reading them.
 */
export async function update(
  stores: Stores,
  request: UpdateRequest,
  { readBack = true }: { readBack?: boolean } = {},
): Promise<UpdateResult> {
  if (request.expected.id !== undefined || request.expected.type !== undefined)
    await getExpected(stores, request, 'refused update')
  const plain = Object.keys(request.fields).length === 0 && request.unset.length === 0
  return plain ? updatePlain(stores, request, { readBack }) : updateCredentials(stores, request)
}

/** Updates name and env, in one statement. */
async function updatePlain(
  stores: Stores,
  { ref, name, env }: UpdateRequest,
  { readBack }: { readBack: boolean },
): Promise<UpdateResult> {
  const change = { eventId: crypto.randomUUID(), ref, name, env }
  const answer = permitted(
    await beginStep(stores, { decides: true }, () => stores.records.updatePlain(stores.caller, change)),
    ref.text,
  )
  if (answer.kind === 'taken' && answer.id === undefined) {
    const record = await getRecord(stores, ref)
    throw await explainNameTaken(stores, { name: name ?? record.name, env: env ?? record.env })
  }
  if (answer.kind === 'taken') throw nameTakenError(answer)
  const changed = answer.kind === 'unchanged' ? [] : answer.fields
  if (!readBack) return { record: answer.record, credentials: null, warnings: [], changed }
  return { ...(await readCredentials(stores, answer.record)), changed }
}
