import type { DataSource } from '../domain/data-source.ts'
import { DsctlError, safeKey } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import type { Ref } from '../ports/lookup.ts'
import { notFound, permitted } from './authorize.ts'
import { readCredentials, type WithCredentials } from './credentials.ts'
import { type Expected, getExpected } from './find-expected.ts'
import { getRecord } from './find-to-change.ts'
import { mergeFields } from './merge-fields.ts'
import { interruptionError, leaseSeconds, type Stores } from './stores.ts'
import { commit, explainNameTaken, nameTakenError, rolledBackByOther, writeNotVisible } from './two-stores/commit.ts'
import { beginStep, retry } from './two-stores/retry.ts'
import { cancelIntent, closeUnused, outcomeError, rollBack } from './two-stores/roll-back.ts'
import { sameCredentials } from './two-stores/settle.ts'

export interface UpdateRequest {
  readonly ref: Ref
  readonly name: string | undefined
  readonly env: string | undefined
  /** As given, under any of their names, with every secret fetched: they are judged by the type that is found. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly unset: readonly string[]
  /** It must be what REF leads to. */
  readonly expected: Expected
  /** What was seen to connect: nothing else may be stored. Undefined where that was not asked for. */
  readonly verified?: Credentials
}

/** What has become of a data source, and the names of what changed: none where all was so already. */
export interface UpdateResult extends WithCredentials {
  readonly changed: readonly string[]
}

/**
 * Changes what is given and leaves the rest: in one statement where only name or env are, else S1, V1, S2, V2, S3. The
 * answer of the former may lack its credentials where they are not `wanted`, which spares reading them.
 */
export async function update(stores: Stores, request: UpdateRequest, wanted = true): Promise<UpdateResult> {
  if (request.expected.id !== undefined || request.expected.type !== undefined)
    await getExpected(stores, request, 'refused update')
  const plain = Object.keys(request.fields).length === 0 && request.unset.length === 0
  return plain ? updatePlain(stores, request, wanted) : updateCredentials(stores, request)
}

/** What an update would come to, with nothing written. */
export async function previewUpdate(stores: Stores, request: UpdateRequest): Promise<UpdateResult> {
  const { record } = await getExpected(stores, request)
  const { data: stored } = await stores.secrets.read(record)
  const { merged, changed } = mergeFields(request, record.type, stored)
  const fields = [...plainFields(request, record), ...changed]
  const name = request.name ?? record.name
  const env = request.env ?? record.env
  if (name !== record.name || env !== record.env) {
    const free = permitted(await stores.records.findName(stores.caller, { name, env }))
    if (free.kind === 'taken' && free.id !== record.id) throw nameTakenError(free)
  }
  return { record: { ...record, name, env }, credentials: merged, warnings: [], changed: fields }
}

async function updatePlain(stores: Stores, { ref, name, env }: UpdateRequest, wanted: boolean): Promise<UpdateResult> {
  const change = { eventId: crypto.randomUUID(), ref, name, env }
  const answer = permitted(
    await beginStep(stores, true, () => stores.records.updatePlain(stores.caller, change)),
    ref.text,
  )
  if (answer.kind === 'taken' && answer.id === undefined) {
    throw await explainUpdateTaken(stores, { name, env }, await getRecord(stores, ref))
  }
  if (answer.kind === 'taken') throw nameTakenError(answer)
  const changed = answer.kind === 'unchanged' ? [] : answer.fields
  if (!wanted) return { record: answer.record, credentials: null, warnings: [], changed }
  return { ...(await readCredentials(stores, answer.record)), changed }
}

function explainUpdateTaken(
  stores: Stores,
  { name, env }: Pick<UpdateRequest, 'name' | 'env'>,
  record: DataSource,
): Promise<DsctlError> {
  return explainNameTaken(stores, { name: name ?? record.name, env: env ?? record.env })
}

async function updateCredentials(stores: Stores, request: UpdateRequest): Promise<UpdateResult> {
  const intentId = crypto.randomUUID()
  const record = await begin(stores, intentId, request)
  const stopped = stores.interrupted()
  if (stopped) throw await cancelIntent(stores, intentId, interruptionError(stopped))

  const v1 = await retry(stores, () => stores.secrets.read(record))
  if (v1.kind !== 'answered') throw await cancelIntent(stores, intentId, v1.error)
  const { merged, changed } = await mergeOrCancel(stores, intentId, { request, record, stored: v1.answer.data })
  const fields = [...plainFields(request, record), ...changed]
  if (fields.length === 0) {
    // Whoever has begun to settle it has let others write, and what was read may be theirs.
    if (!(await closeUnused(stores, intentId, false))) throw outcomeError(rolledBackByOther(record.id), 'none')
    return { record, credentials: merged, warnings: [], changed: [] }
  }
  await writeSecret(stores, intentId, { record, merged, base: v1.answer.version })
  const updated = await commit(stores, record.id, {
    intentId,
    send: () => stores.records.commitUpdate(intentId, fields),
    taken: () => explainUpdateTaken(stores, request, record),
  })
  return { record: updated, credentials: merged, warnings: [], changed: fields }
}

/** S1. */
async function begin(stores: Stores, intentId: string, request: UpdateRequest): Promise<DataSource> {
  const { ref, name, env, fields, unset } = request
  // They are kept, and not judged yet.
  const names = [...new Set([...Object.keys(fields), ...unset].map(safeKey))]
  const update = { intentId, ref, name, env, fields: names, lease: leaseSeconds(stores) }
  const begun = permitted(
    await beginStep(stores, false, () => stores.records.beginUpdate(stores.caller, update)),
    ref.text,
  )
  if (begun.kind === 'taken') throw nameTakenError(begun)
  if (begun.record === null)
    throw await rollBack(stores, intentId, new DsctlError('conflict', 'It was deleted meanwhile.'))
  return begun.record
}

/** Merges and validates what was read; where that is no good, the intent is closed and nothing is written. */
async function mergeOrCancel(
  stores: Stores,
  intentId: string,
  { request, record, stored }: { request: UpdateRequest; record: DataSource; stored: Credentials | null },
): Promise<{ merged: Credentials; changed: readonly string[] }> {
  try {
    const change = mergeFields(request, record.type, stored)
    if (request.verified && !sameCredentials(change.merged, request.verified)) throw changedSinceVerified()
    return change
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    const why = await cancelWith(stores, intentId, { why: error, id: record.id })
    // A whole delete may have come between what S1 saw and what it wrote: then that is why the secret is missing.
    throw why === error && stored === null && (await isDeleted(stores, record)) ? notFound(record.id) : why
  }
}

async function isDeleted(stores: Stores, { id }: DataSource): Promise<boolean> {
  const ref = { text: id, env: undefined }
  const looked = await retry(stores, () => stores.records.find(stores.caller, ref))
  return looked.kind === 'answered' && looked.answer.kind === 'not found'
}

/** S2 and V2. Returns where the new version is written; throws, with nothing left, where it can't be. */
async function writeSecret(
  stores: Stores,
  intentId: string,
  { record, merged, base }: { record: DataSource; merged: Credentials; base: number },
): Promise<void> {
  const s2 = await retry(stores, () => stores.records.recordBaseVersion(intentId, base))
  if (s2.kind !== 'answered') throw await rollBack(stores, intentId, s2.error)
  if (s2.answer !== 'ok') throw await rollBack(stores, intentId, rolledBackByOther(record.id))
  const stopped = stores.interrupted()
  if (stopped) throw await rollBack(stores, intentId, interruptionError(stopped))

  const v2 = await retry(stores, () => stores.secrets.write(record, merged, base))
  if (v2.kind === 'answered' && v2.answer === 'ok') return
  if (v2.kind !== 'answered') {
    throw await (v2.kind === 'refused' && !v2.lost ? cancelIntent : rollBack)(stores, intentId, v2.error)
  }
  // An earlier try of the same write may have caused the conflict, even one that nothing was heard of (a standby passes it
  // on, hears no more, and sends its client after it): then the next version holds what was sent.
  const found = await retry(stores, () => stores.secrets.readVersion(record, base + 1))
  if (found.kind !== 'answered') throw await rollBack(stores, intentId, found.error)
  // Something is there, or it were no conflict: a node that does not show it yet says nothing about whose it is.
  if (found.answer === 'gone' && v2.lost) throw await rollBack(stores, intentId, writeNotVisible(record.id))
  if (found.answer !== 'gone' && sameCredentials(found.answer, merged)) return
  throw await cancelForConflict(stores, intentId, record)
}

function changedSinceVerified(): DsctlError {
  return new DsctlError('conflict', 'Someone else has changed the credentials since they were seen to connect.', {
    hint: 'Repeat the update.',
  })
}

/** Someone outside wrote, unless it was the fence of whoever has settled this. */
function cancelForConflict(stores: Stores, intentId: string, { id }: DataSource): Promise<DsctlError> {
  const hint = 'Look at it again (dsctl get) and repeat the update.'
  const why = new DsctlError('conflict', 'Someone else has changed the credentials meanwhile.', { hint, id })
  return cancelWith(stores, intentId, { why, id })
}

/** The error of an update that what it found in Vault ends: whoever has settled it may have gone on to change that. */
async function cancelWith(
  stores: Stores,
  intentId: string,
  { why, id }: { why: DsctlError; id: string },
): Promise<DsctlError> {
  return (await closeUnused(stores, intentId, true)) ? why : outcomeError(rolledBackByOther(id), 'none')
}

function plainFields({ name, env }: { name: string | undefined; env: string | undefined }, now: DataSource): string[] {
  const changes = (given: string | undefined, present: string | undefined) => given !== undefined && given !== present
  return [...(changes(name, now.name) ? ['name'] : []), ...(changes(env, now.env) ? ['env'] : [])]
}
