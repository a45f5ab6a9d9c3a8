import type { DataSource } from '../domain/data-source.ts'
import { DsctlError } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import type { NewCreate } from '../ports/record-steps.ts'
import type { SecretLocation } from '../ports/secrets.ts'
import { permitted } from './authorize.ts'
import { interruptionError, leaseSeconds, type Stores } from './stores.ts'
import {
  commit,
  explainNameTaken,
  IF_EXISTS_HINT,
  nameTakenError,
  rolledBackByOther,
  writeNotVisible,
} from './two-stores/commit.ts'
import { beginStep, retry } from './two-stores/retry.ts'
import { cancelIntent, rollBack } from './two-stores/roll-back.ts'
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
  if (stopped) throw await cancelIntent(stores, intentId, interruptionError(stopped))
  const v1 = await retry(stores, () => stores.secrets.write(at, request.credentials, 0))
  if (v1.kind === 'refused' && !v1.lost) throw await cancelIntent(stores, intentId, v1.error)
  if (v1.kind !== 'answered') throw await rollBack(stores, intentId, v1.error)
  if (v1.answer === 'conflict') await checkOwnSecret(stores, intentId, { at, sent: request.credentials })

  const stoppedLate = stores.interrupted()
  if (stoppedLate) throw await rollBack(stores, intentId, interruptionError(stoppedLate))
  return commit(stores, id, {
    intentId,
    send: () => stores.records.commitCreate(intentId, request.type),
    taken: () => explainNameTaken(stores, request),
  })
}

/**
 * After a conflict on V1: returns where an earlier try of the same write has caused it, even one that nothing was heard
 * of. Throws where another secret is there, which is left alone.
 */
async function checkOwnSecret(
  stores: Stores,
  intentId: string,
  { at, sent }: { at: SecretLocation; sent: Credentials },
): Promise<void> {
  const found = await retry(stores, () => stores.secrets.read(at))
  if (found.kind !== 'answered') throw await rollBack(stores, intentId, found.error)
  const { version, data } = found.answer
  if (version === 1 && sameCredentials(data, sent)) return
  if (version === 0) throw await rollBack(stores, intentId, writeNotVisible(at.secretId))
  // Neither settled nor closed as undone: what stands at such an id is taken for a late write, and removed.
  const closing = { id: intentId, state: 'open', outcome: 'unknown', audit: true, settledBy: undefined } as const
  await retry(stores, () => stores.records.close(closing))
  throw pathTaken(at.secretId)
}

function pathTaken(id: string): DsctlError {
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
  const create = { ...how, name, env, type, fields: fieldsOf(credentials), lease: leaseSeconds(stores) }
  const begun = permitted(await beginStep(stores, false, () => stores.records.beginCreate(stores.caller, create)))
  if (begun.kind === 'taken') throw nameTakenError(begun, how.failsIfTaken ? IF_EXISTS_HINT : '')
  if (begun.kind === 'begun') return begun.organizationId
  // What others undo or have undone is no place to write a secret to.
  if (begun.intent.state !== 'open') throw await rollBack(stores, how.intentId, rolledBackByOther(how.id))
  return begun.intent.organizationId
}

function fieldsOf(credentials: Credentials): string[] {
  return Object.keys(credentials).filter(name => name !== 'type')
}
