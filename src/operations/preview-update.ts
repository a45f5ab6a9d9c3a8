import { permitted } from './authorize.ts'
import { getExpected } from './get-expected.ts'
import { mergeFields } from './merge-fields.ts'
import type { Stores } from './stores.ts'
import { nameTakenError } from './two-stores/name-taken.ts'
import { changedPlainFields, type UpdateRequest, type UpdateResult } from './update-request.ts'

/** Returns the result that an update would have, and writes nothing. Throws the errors that the update would throw. */
export async function previewUpdate(stores: Stores, request: UpdateRequest): Promise<UpdateResult> {
  const { record } = await getExpected(stores, request)
  const { data: stored } = await stores.secrets.read(record)
  const { merged, changed } = await mergeFields(request, record.type, stored)
  const name = request.name ?? record.name
  const env = request.env ?? record.env
  if (name !== record.name || env !== record.env) {
    const free = permitted(await stores.records.findName(stores.caller, { name, env }))
    if (free.kind === 'taken' && free.id !== record.id) throw nameTakenError(free)
  }
  const fields = [...changedPlainFields(request, record), ...changed]
  return { record: { ...record, name, env }, credentials: merged, warnings: [], changed: fields }
}
