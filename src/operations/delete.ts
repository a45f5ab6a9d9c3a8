import { DsctlError, UnavailableError, withDetails } from '../domain/errors.ts'
import type { Intent } from '../ports/intent.ts'
import type { Ref } from '../ports/lookup.ts'
import type { SecretLocation } from '../ports/secrets.ts'
import { permitted } from './authorize.ts'
import type { Stores } from './stores.ts'
import { beginStep } from './two-stores/begin.ts'
import { leaseSeconds } from './two-stores/lease.ts'
import { retry } from './two-stores/retry.ts'
import { settleOnce } from './two-stores/settle.ts'

/**
 * Deletes a data source, in the steps begin (which soft-deletes the record), remove secret, close. If an earlier delete
 * of the same REF failed to remove the secret, removes it now. Throws UnavailableError with outcome `owed` if the
 * record is deleted but the secret could not be removed.
 */
export async function deleteDataSource(stores: Stores, ref: Ref): Promise<void> {
  await checkCanDeleteInOrganization(stores, ref)
  const intentId = crypto.randomUUID()
  const removal = { intentId, ref, lease: leaseSeconds(stores) }
  const begun = permitted(
    await beginStep(stores, { decides: true }, () => stores.records.beginDelete(stores.caller, removal)),
    ref.text,
  )
  if (begun.kind === 'owed') return removeOwedSecret(stores, begun.intent)
  if (begun.kind === 'already recorded')
    return removeSecretAndClose(stores, { intentId, id: begun.intent.dataSourceId, at: begun.intent })
  return removeSecretAndClose(stores, { intentId, id: begun.id, at: begun })
}

/** Throws if this token cannot remove secrets, as far as `canDelete` can tell. */
export async function checkCanDelete(stores: Pick<Stores, 'secrets'>): Promise<void> {
  if (!(await canDelete(stores))) throw cannotDelete()
}

/**
 * Whether this token can remove secrets. If their path contains the organization, returns true: each delete checks it.
 */
export async function canDelete({ secrets }: Pick<Stores, 'secrets'>): Promise<boolean> {
  return secrets.organizationInPath || (await secrets.canRemove())
}

/** Throws the error for a token that cannot delete secrets, or for a role that may not delete. Audits the refusal. */
export async function refuseDelete({ records, caller }: Stores, ref: Ref): Promise<never> {
  const found = await records.find(caller, ref, { audit: 'refused delete' })
  if (found.kind === 'denied') permitted(found, ref.text)
  throw cannotDelete()
}

/** If the path of secrets contains the organization, the record must be read first, which is one more statement. */
async function checkCanDeleteInOrganization({ secrets, records, caller }: Stores, ref: Ref): Promise<void> {
  if (!secrets.organizationInPath) return
  try {
    const found = await records.find(caller, ref)
    if (found.kind === 'found' && !(await secrets.canRemove(found.record.organizationId))) throw cannotDelete()
  } catch (error) {
    throw error instanceof UnavailableError ? withDetails(error, { outcome: 'none' }) : error
  }
}

function cannotDelete(): DsctlError {
  return new DsctlError('forbidden', 'The Vault token is not allowed to delete secrets, so nothing was deleted.', {
    hint: 'Its policy needs delete on the metadata path: see docs/setup-servers.md, "Vault policies".',
  })
}

async function removeSecretAndClose(
  stores: Stores,
  { intentId, id, at }: { intentId: string; id: string; at: SecretLocation },
): Promise<void> {
  const removed = await retry(stores, () => stores.secrets.remove(at))
  if (removed.kind !== 'answered') throw owedError(removed.error, id)
  const closing = { id: intentId, state: 'open', outcome: 'done', audit: false, settledBy: undefined } as const
  // Best effort: the delete is complete. If the intent stays open, the next process that finds it closes it.
  await retry(stores, () => stores.records.close(closing))
}

async function removeOwedSecret(stores: Stores, intent: Intent): Promise<void> {
  const settled = await retry(stores, () => settleOnce(stores, intent.id, stores.process))
  if (settled.kind !== 'answered') throw owedError(settled.error, intent.dataSourceId)
}

function owedError(error: DsctlError, id: string): DsctlError {
  const message = `The data source is deleted, but its secret is still in Vault. ${error.message}`
  return new UnavailableError('maybe', message, {
    outcome: 'owed',
    hint: `Once Vault is available, run dsctl delete ${id} again, or dsctl doctor --fix, to remove the secret.`,
    id,
  })
}
