import type { DataSource } from '../domain/data-source.ts'
import type { FindAudit, Ref } from '../ports/lookup.ts'
import { permitted } from './authorize.ts'
import type { Stores } from './stores.ts'

/** The data source that REF leads to. Throws where the caller may not change it. */
export async function getRecord(stores: Stores, ref: Ref, audit?: FindAudit): Promise<DataSource> {
  return permitted(await stores.records.find(stores.caller, ref, { audit }), ref.text).record
}
