import type { Ref } from '../ports/lookup.ts'
import { permitted } from './authorize.ts'
import { readStored, type WithCredentials } from './credentials.ts'
import { getRecord } from './get-record.ts'
import type { Stores } from './stores.ts'

/** Returns one data source with its credentials. With `audit`, the read is audited. */
export async function get(stores: Stores, ref: Ref, { audit }: { audit: boolean }): Promise<WithCredentials> {
  const found = permitted(await stores.records.find(stores.caller, ref, audit ? { audit: 'get' } : {}), ref.text)
  const source = await readStored(stores, found.record)
  if (!found.unaudited) return source
  const warning = 'This read is not in the audit trail, because your Postgres role cannot write here.'
  return { ...source, warnings: [...source.warnings, warning] }
}

/** Returns one data source with its credentials, for an update that asks what to change. The read is not audited. */
export async function getForUpdate(stores: Stores, ref: Ref): Promise<WithCredentials> {
  return readStored(stores, await getRecord(stores, ref))
}
