import { DsctlError } from '../../domain/errors.ts'
import type { UnclosedIntent } from '../../ports/health.ts'
import { permitted } from '../authorize.ts'
import { compareStores } from './compare-stores.ts'
import { examineDatabase } from './examine-database.ts'
import { examineVault } from './examine-vault.ts'
import { couldNotCheck, type Examination, type Finding, isRefusal } from './finding.ts'
import { settleExpired } from './settle-expired.ts'

/**
 * Checks one organization in both stores. With `fix`, also repairs (see Examination). Holds the ids of all secrets in
 * memory. Throws if the caller may not run doctor, or if a store is unavailable. A request that a server refuses
 * becomes a finding.
 */
export async function examine(exam: Examination): Promise<readonly Finding[]> {
  const database = await examineDatabase(exam)
  const asked = await organizationOf(exam)
  if ('check' in asked) return [...database, asked]
  const { organizationId, intents } = asked
  const here = { ...exam, organizationId }
  const vault = await examineVault(here)
  const pending = await settleExpired(exam, intents)
  return [...database, ...vault.findings, pending, ...(vault.usable ? await compared(here) : [])]
}

async function organizationOf({
  stores,
  health,
}: Examination): Promise<Finding | { organizationId: string; intents: readonly UnclosedIntent[] }> {
  const asked = await health.records.unclosedIntents(stores.caller).catch(refusal)
  if (!(asked instanceof DsctlError)) return permitted(asked)
  const { message, ...finding } = couldNotCheck('pending', asked)
  return { ...finding, message: `${message} Vault was not checked, and the stores were not compared.` }
}

async function compared(exam: Parameters<typeof compareStores>[0]): Promise<readonly Finding[]> {
  const findings = await compareStores(exam).catch(refusal)
  return findings instanceof DsctlError ? [couldNotCheck('credentials', findings)] : findings
}

function refusal(error: unknown): DsctlError {
  if (error instanceof DsctlError && isRefusal(error)) return error
  throw error
}
