import type { DataSource } from '../domain/data-source.ts'
import { DsctlError } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import type { SecretLocation } from '../ports/secrets.ts'
import { typeRefusedError } from '../source-types/refused-type.ts'
import { permitted } from './authorize.ts'
import { interruptionError } from './interruption.ts'
import type { Stores } from './stores.ts'
import { beginStep } from './two-stores/begin.ts'
import { commit, rolledBackByOther, writeNotVisible } from './two-stores/commit.ts'
import { leaseSeconds } from './two-stores/lease.ts'
import { explainNameTaken, IF_EXISTS_HINT, nameTakenError } from './two-stores/name-taken.ts'
import { sameCredentials } from './two-stores/restore-secret.ts'
import { retry } from './two-stores/retry.ts'
import { cancelIntent, rollBack } from './two-stores/roll-back.ts'

export interface CreateRequest {
  readonly name: string
  readonly env: string
  readonly type: string
  /** Complete and valid. */
  readonly credentials: Credentials
}

/**
 * `fail`: if the name is taken, the create fails, and the failure is audited. `handle`: the caller handles the error.
 */
export type OnNameTaken = 'fail' | 'handle'

/**
 * Creates a data source, in the steps begin, write secret, commit. Throws `conflict` if the name is taken. A create
 * that fails is rolled back.
 */
export async function create(
  stores: Stores,
  request: CreateRequest,
  { onNameTaken = 'fail' }: { onNameTaken?: OnNameTaken } = {},
): Promise<DataSource> {
  const intentId = crypto.randomUUID()
  const id = crypto.randomUUID()
  const organizationId = await begin(stores, request, { intentId, id, onNameTaken })

  const stopped = stores.interrupted()
  if (stopped) throw await cancelIntent(stores, intentId, interruptionError(stopped))
  await writeSecret(stores, intentId, { at: { organizationId, secretId: id }, credentials: request.credentials })

  const stoppedLate = stores.interrupted()
  if (stoppedLate) throw await rollBack(stores, intentId, interruptionError(stoppedLate))
  return commit(stores, id, {
    intentId,
    send: () => stores.records.commitCreate(intentId, request.type),
    taken: () => explainNameTaken(stores, request),
  })
}

/** Returns the id of the organization. */
async function begin(
  stores: Stores,
  { name, env, type, credentials }: CreateRequest,
  { intentId, id, onNameTaken }: { intentId: string; id: string; onNameTaken: OnNameTaken },
): Promise<string> {
  const fields = Object.keys(credentials).filter(field => field !== 'type')
  const failsIfTaken = onNameTaken === 'fail'
  const create = { intentId, id, name, env, type, fields, failsIfTaken, lease: leaseSeconds(stores) }
  const begun = permitted(
    await beginStep(stores, { decides: false }, () => stores.records.beginCreate(stores.caller, create)),
  )
  if (begun.kind === 'type refused') throw typeRefusedError(type, begun.accepted)
  if (begun.kind === 'taken') throw nameTakenError(begun, failsIfTaken ? IF_EXISTS_HINT : '')
  if (begun.kind === 'begun') return begun.organizationId
  // The intent is being rolled back, and the settler could miss a secret that is written now.
  if (begun.intent.state !== 'open') throw await rollBack(stores, intentId, rolledBackByOther(id))
  return begun.intent.organizationId
}

async function writeSecret(
  stores: Stores,
  intentId: string,
  { at, credentials }: { at: SecretLocation; credentials: Credentials },
): Promise<void> {
  const written = await retry(stores, () => stores.secrets.write(at, credentials, 0))
  if (written.kind === 'refused' && !written.lost) throw await cancelIntent(stores, intentId, written.error)
  if (written.kind !== 'answered') throw await rollBack(stores, intentId, written.error)
  if (written.answer === 'conflict') await checkOwnSecret(stores, intentId, { at, credentials })
}

/**
 * After a conflict: returns if an earlier try of the same write caused it (a Vault standby may repeat a request).
 * Throws if another secret is there, and leaves it alone.
 */
async function checkOwnSecret(
  stores: Stores,
  intentId: string,
  { at, credentials }: { at: SecretLocation; credentials: Credentials },
): Promise<void> {
  const found = await retry(stores, () => stores.secrets.read(at))
  if (found.kind !== 'answered') throw await rollBack(stores, intentId, found.error)
  const { version, data } = found.answer
  if (version === 1 && sameCredentials(data, credentials)) return
  if (version === 0) throw await rollBack(stores, intentId, writeNotVisible(at.secretId))
  // Not closed as `none`: the other secret would then count as a late write of this create, and would be removed.
  const closing = { id: intentId, state: 'open', outcome: 'unknown', audit: true, settledBy: undefined } as const
  await retry(stores, () => stores.records.close(closing))
  throw pathTaken(at.secretId)
}

function pathTaken(id: string): DsctlError {
  return new DsctlError('conflict', 'Vault already has a secret at the path of the new data source.', {
    hint: 'Nothing was changed. Check vault.mount and vault.path (dsctl config list), and any proxy in front of Vault.',
    id,
  })
}
