import type { DataSource } from '../domain/data-source.ts'
import { DsctlError } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import type { NewCreate } from '../ports/records.ts'
import type { SecretLocation } from '../ports/secrets.ts'
import { permitted } from './authorize.ts'
import { interruption, lease, type Stores } from './stores.ts'
import { finish, nameTaken, nameTakenBySomebody, notShown, OR_TAKE_IT, tooLate } from './two-stores/commit.ts'
import { attempt, first } from './two-stores/retry.ts'
import { abandon, undone } from './two-stores/roll-back.ts'
import { sameCredentials } from './two-stores/settle.ts'

export interface CreateRequest {
  readonly name: string
  readonly env: string
  readonly type: string
  /** Complete and valid. */
  readonly credentials: Credentials
}

/**
 * Creates a data source: S1, V1, S2. Throws `conflict` where the name is taken, which is a failure in the audit trail
 * unless the caller goes on from there. Nothing is left where it fails.
 */
export async function create(stores: Stores, request: CreateRequest, failsIfTaken = true): Promise<DataSource> {
  const intentId = crypto.randomUUID()
  const id = crypto.randomUUID()
  const at = { organizationId: await begin(stores, request, { intentId, id, failsIfTaken }), secretId: id }

  const stopped = stores.interrupted()
  if (stopped) throw await abandon(stores, intentId, interruption(stopped))
  const v1 = await attempt(stores, () => stores.secrets.write(at, request.credentials, 0))
  if (v1.kind === 'refused' && !v1.lost) throw await abandon(stores, intentId, v1.error)
  if (v1.kind !== 'answered') throw await undone(stores, intentId, v1.error)
  if (v1.answer === 'conflict') await checkOwn(stores, intentId, { at, sent: request.credentials })

  const stoppedLate = stores.interrupted()
  if (stoppedLate) throw await undone(stores, intentId, interruption(stoppedLate))
  return finish(stores, id, {
    intentId,
    send: () => stores.records.finishCreate(intentId, request.type),
    taken: () => nameTakenBySomebody(stores, request),
  })
}

/**
 * After a conflict on V1: returns where an earlier try of the same write has caused it, even one that nothing was heard
 * of. Throws where another secret is there, which is left alone.
 */
async function checkOwn(
  stores: Stores,
  intentId: string,
  { at, sent }: { at: SecretLocation; sent: Credentials },
): Promise<void> {
  const found = await attempt(stores, () => stores.secrets.read(at))
  if (found.kind !== 'answered') throw await undone(stores, intentId, found.error)
  const { version, data } = found.answer
  if (version === 1 && sameCredentials(data, sent)) return
  if (version === 0) throw await undone(stores, intentId, notShown(at.secretId))
  // Neither settled nor closed as undone: what stands at such an id is taken for a late write, and removed.
  const closing = { id: intentId, state: 'open', outcome: 'unknown', audit: true, settledBy: undefined } as const
  await attempt(stores, () => stores.records.close(closing))
  throw placeTaken(at.secretId)
}

function placeTaken(id: string): DsctlError {
  return new DsctlError('conflict', 'In Vault there is another secret already where this one belongs.', {
    hint: 'Nothing was changed. Check vault.mount and vault.path (dsctl config list), and what stands before Vault.',
    id,
  })
}

async function begin(
  stores: Stores,
  { name, env, type, credentials }: CreateRequest,
  how: Pick<NewCreate, 'intentId' | 'id' | 'failsIfTaken'>,
): Promise<string> {
  const create = { ...how, name, env, type, fields: fieldsOf(credentials), lease: lease(stores) }
  const begun = permitted(await first(stores, false, () => stores.records.beginCreate(stores.caller, create)))
  if (begun.kind === 'taken') throw nameTaken(begun, how.failsIfTaken ? OR_TAKE_IT : '')
  if (begun.kind === 'begun') return begun.organizationId
  // What others undo or have undone is no place to write a secret to.
  if (begun.intent.state !== 'open') throw await undone(stores, how.intentId, tooLate(how.id))
  return begun.intent.organizationId
}

function fieldsOf(credentials: Credentials): string[] {
  return Object.keys(credentials).filter(name => name !== 'type')
}
