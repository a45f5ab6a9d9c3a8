import { DsctlError, UnavailableError, withDetails } from '../domain/errors.ts'
import type { Intent } from '../ports/intent.ts'
import type { Ref } from '../ports/lookup.ts'
import type { SecretLocation } from '../ports/secrets.ts'
import { permitted } from './authorize.ts'
import { leaseSeconds, type Stores } from './stores.ts'
import { beginStep, retry } from './two-stores/retry.ts'
import { settleOnce } from './two-stores/settle.ts'

/**
 * Deletes a data source: S1 soft-deletes the row, V1 removes the secret with all its versions, S2 closes. Where an
 * earlier delete of the same REF still owes the secret's removal, pays it. Throws UnavailableError, outcome `owed`,
 * where the record is gone and the secret could not be removed.
 */
export async function deleteDataSource(stores: Stores, ref: Ref): Promise<void> {
  await checkCanDeleteInOrganization(stores, ref)
  const intentId = crypto.randomUUID()
  const begun = permitted(
    await beginStep(stores, true, () =>
      stores.records.beginDelete(stores.caller, { intentId, ref, lease: leaseSeconds(stores) }),
    ),
    ref.text,
  )
  if (begun.kind === 'owed') return removeOwedSecret(stores, begun.intent)
  if (begun.kind === 'already recorded')
    return removeSecretAndClose(stores, { intentId, id: begun.intent.dataSourceId, at: begun.intent })
  return removeSecretAndClose(stores, { intentId, id: begun.id, at: begun })
}

/** Whether this token can remove the secret afterwards, as far as that can be told before the data source is known. */
export async function canDelete({ secrets }: Pick<Stores, 'secrets'>): Promise<boolean> {
  return secrets.organizationInPath || (await secrets.canRemove())
}

/** Refuses before anything is written where it can not. */
export async function checkCanDelete(stores: Pick<Stores, 'secrets'>): Promise<void> {
  if (!(await canDelete(stores))) throw cannotDelete()
}

/** The same refusal for somebody whose role may not delete at all, whatever the token may do: they are told that. */
export async function refuseDelete({ records, caller }: Stores, ref: Ref): Promise<never> {
  const found = await records.find(caller, ref, { audit: 'refused delete' })
  if (found.kind === 'denied') permitted(found, ref.text)
  throw cannotDelete()
}

/** The same where it depends on the organization, which has to be looked up: one statement more. */
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
  return new DsctlError('forbidden', 'The Vault token may not delete secrets, so nothing was deleted.', {
    hint: 'Its policy needs delete on the metadata path: see docs/setup-servers.md, "Vault policies".',
  })
}

async function removeSecretAndClose(
  stores: Stores,
  { intentId, id, at }: { intentId: string; id: string; at: SecretLocation },
): Promise<void> {
  const v1 = await retry(stores, () => stores.secrets.remove(at))
  if (v1.kind !== 'answered') throw owedError(v1.error, id)
  const closing = { id: intentId, state: 'open', outcome: 'done', audit: false, settledBy: undefined } as const
  // Both stores are as they should be; an intent that is left open is closed by whoever meets it.
  await retry(stores, () => stores.records.close(closing))
}

async function removeOwedSecret(stores: Stores, intent: Intent): Promise<void> {
  const paid = await retry(stores, () => settleOnce(stores, intent.id, stores.process))
  if (paid.kind !== 'answered') throw owedError(paid.error, intent.dataSourceId)
}

function owedError(error: DsctlError, id: string): DsctlError {
  const unavailable = new UnavailableError(
    'maybe',
    `The data source is deleted, but its secret is still in Vault. ${error.message}`,
  )
  return withDetails(unavailable, {
    outcome: 'owed',
    hint: `The removal is owed: run dsctl delete ${id} again, or dsctl doctor --fix, once Vault answers.`,
    id,
  })
}
