import type { DataSource } from '../domain/data-source.ts'
import { DsctlError, safeKey } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import { notFound, permitted } from './authorize.ts'
import { interruptionError } from './interruption.ts'
import { mergeFields } from './merge-fields.ts'
import type { Stores } from './stores.ts'
import { beginStep } from './two-stores/begin.ts'
import { commit, rolledBackByOther, writeNotVisible } from './two-stores/commit.ts'
import { leaseSeconds } from './two-stores/lease.ts'
import { explainNameTaken, nameTakenError } from './two-stores/name-taken.ts'
import { sameCredentials } from './two-stores/restore-secret.ts'
import { retry } from './two-stores/retry.ts'
import { cancelIntent, closeUnused, outcomeError, rollBack } from './two-stores/roll-back.ts'
import { changedPlainFields, type UpdateRequest, type UpdateResult } from './update-request.ts'

/** Updates credentials, in the steps begin, read secret, record base version, write secret, commit. */
export async function updateCredentials(stores: Stores, request: UpdateRequest): Promise<UpdateResult> {
  const intentId = crypto.randomUUID()
  const record = await begin(stores, intentId, request)
  const stopped = stores.interrupted()
  if (stopped) throw await cancelIntent(stores, intentId, interruptionError(stopped))

  const read = await retry(stores, () => stores.secrets.read(record))
  if (read.kind !== 'answered') throw await cancelIntent(stores, intentId, read.error)
  const { version: base, data: stored } = read.answer
  const { merged, changed } = await mergeOrCancel(stores, intentId, { request, record, stored })
  const fields = [...changedPlainFields(request, record), ...changed]
  if (fields.length === 0) {
    // If a settler had closed the intent, others could write from then on, and what was read may be theirs.
    const closed = await closeUnused(stores, intentId, { audit: false })
    if (!closed) throw outcomeError(rolledBackByOther(record.id), 'none')
    return { record, credentials: merged, warnings: [], changed: [] }
  }
  await recordBaseVersion(stores, intentId, { record, base })
  await writeSecret(stores, intentId, { record, merged, base })
  const updated = await commit(stores, record.id, {
    intentId,
    send: () => stores.records.commitUpdate(intentId, fields),
    taken: () => explainNameTaken(stores, { name: request.name ?? record.name, env: request.env ?? record.env }),
  })
  return { record: updated, credentials: merged, warnings: [], changed: fields }
}

async function begin(stores: Stores, intentId: string, request: UpdateRequest): Promise<DataSource> {
  const { ref, name, env, fields, unset } = request
  // Recorded as given: they can be validated only once the type is known.
  const names = [...new Set([...Object.keys(fields), ...unset].map(safeKey))]
  const update = { intentId, ref, name, env, fields: names, lease: leaseSeconds(stores) }
  const begun = permitted(
    await beginStep(stores, { decides: false }, () => stores.records.beginUpdate(stores.caller, update)),
    ref.text,
  )
  if (begun.kind === 'taken') throw nameTakenError(begun)
  if (begun.record === null)
    throw await rollBack(stores, intentId, new DsctlError('conflict', 'The data source was deleted in the meantime.'))
  return begun.record
}

/** Merges and validates. If the result is invalid, closes the intent and throws; nothing was written. */
async function mergeOrCancel(
  stores: Stores,
  intentId: string,
  { request, record, stored }: { request: UpdateRequest; record: DataSource; stored: Credentials | null },
): Promise<{ merged: Credentials; changed: readonly string[] }> {
  try {
    const merge = await mergeFields(request, record.type, stored)
    if (request.verified && !sameCredentials(merge.merged, request.verified)) throw changedSinceVerified()
    return merge
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    const reason = await cancelWith(stores, intentId, { reason: error, id: record.id })
    // The begin step checks the record, then writes. If a whole delete ran in between, it removed the secret.
    throw reason === error && stored === null && (await isDeleted(stores, record)) ? notFound(record.id) : reason
  }
}

function changedSinceVerified(): DsctlError {
  return new DsctlError('conflict', 'Someone else has changed the credentials since they were tested.', {
    hint: 'Run the update again.',
  })
}

/** Closes the intent. Returns the error to throw: `reason`, or if a settler had closed the intent, that it did. */
async function cancelWith(
  stores: Stores,
  intentId: string,
  { reason, id }: { reason: DsctlError; id: string },
): Promise<DsctlError> {
  const closed = await closeUnused(stores, intentId, { audit: true })
  return closed ? reason : outcomeError(rolledBackByOther(id), 'none')
}

async function isDeleted(stores: Stores, { id }: DataSource): Promise<boolean> {
  const ref = { text: id, env: undefined }
  const found = await retry(stores, () => stores.records.find(stores.caller, ref))
  return found.kind === 'answered' && found.answer.kind === 'not found'
}

async function recordBaseVersion(
  stores: Stores,
  intentId: string,
  { record, base }: { record: DataSource; base: number },
): Promise<void> {
  const recorded = await retry(stores, () => stores.records.recordBaseVersion(intentId, base))
  if (recorded.kind !== 'answered') throw await rollBack(stores, intentId, recorded.error)
  if (recorded.answer !== 'ok') throw await rollBack(stores, intentId, rolledBackByOther(record.id))
  const stopped = stores.interrupted()
  if (stopped) throw await rollBack(stores, intentId, interruptionError(stopped))
}

/** Returns once the new version is written. Otherwise ends the operation and throws. */
async function writeSecret(
  stores: Stores,
  intentId: string,
  { record, merged, base }: { record: DataSource; merged: Credentials; base: number },
): Promise<void> {
  const written = await retry(stores, () => stores.secrets.write(record, merged, base))
  if (written.kind === 'answered' && written.answer === 'ok') return
  if (written.kind !== 'answered') {
    const nothingWritten = written.kind === 'refused' && !written.lost
    throw await (nothingWritten ? cancelIntent : rollBack)(stores, intentId, written.error)
  }
  // An earlier try of the same write may have caused the conflict, even if each try was answered: a Vault standby may
  // repeat a request that it forwards. In that case, version base + 1 holds what was sent.
  const found = await retry(stores, () => stores.secrets.readVersion(record, base + 1))
  if (found.kind !== 'answered') throw await rollBack(stores, intentId, found.error)
  // A conflict means that some version exists. If a lagging node does not show it, we cannot know who wrote it.
  if (found.answer === 'gone' && written.lost) throw await rollBack(stores, intentId, writeNotVisible(record.id))
  if (found.answer !== 'gone' && sameCredentials(found.answer, merged)) return
  throw await cancelForConflict(stores, intentId, record)
}

/** Called if someone outside dsctl wrote the secret, or a settler wrote its fence. */
function cancelForConflict(stores: Stores, intentId: string, { id }: DataSource): Promise<DsctlError> {
  const reason = new DsctlError('conflict', 'Someone else has changed the credentials in the meantime.', {
    hint: 'Check them with dsctl get, and run the update again.',
    id,
  })
  return cancelWith(stores, intentId, { reason, id })
}
