import type { DataSource } from '../domain/data-source.ts'
import type { FindAudit, Ref } from '../ports/lookup.ts'
import { permitted } from './authorize.ts'
import type { Stores } from './stores.ts'

/** Returns the record that a REF identifies. Throws if it does not exist or the caller's role is not permitted. */
export async function getRecord(stores: Stores, ref: Ref, audit?: FindAudit): Promise<DataSource> {
  return permitted(await stores.records.find(stores.caller, ref, { audit }), ref.text).record
}
