import type { Ref } from '../ports/lookup.ts'
import { permitted } from './authorize.ts'
import { readStored, type WithCredentials } from './credentials.ts'
import { getRecord } from './get-record.ts'
import type { Stores } from './stores.ts'

/** One data source with its credentials, for an update that asks what to change. The read is not audited. */
export async function getForUpdate(stores: Stores, ref: Ref): Promise<WithCredentials> {
  return readStored(stores, await getRecord(stores, ref))
}

/** One data source with its credentials. The read is audited unless `audit` is false. */
export async function get(stores: Stores, ref: Ref, audit: boolean): Promise<WithCredentials> {
  const found = permitted(await stores.records.find(stores.caller, ref, audit ? { audit: 'get' } : {}), ref.text)
  const answer = await readStored(stores, found.record)
  if (!found.unaudited) return answer
  const warning = 'This read is not in the audit trail: Postgres takes no write of this role here.'
  return { ...answer, warnings: [...answer.warnings, warning] }
}
