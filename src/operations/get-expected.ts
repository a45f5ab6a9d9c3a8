import type { DataSource } from '../domain/data-source.ts'
import { invalid } from '../domain/errors.ts'
import type { FindAudit, Ref } from '../ports/lookup.ts'
import { getRecord } from './get-record.ts'
import type { Stores } from './stores.ts'

/** What a request says itself that it is of, as an edited answer does; undefined where it does not say. */
export interface Expected {
  readonly id: unknown
  readonly type: unknown
}

/** Finds what an update is of. Throws `invalid` where the request says itself that it is of another data source. */
export async function getExpected(
  stores: Stores,
  { ref, expected }: { ref: Ref; expected: Expected },
  audit?: FindAudit,
): Promise<{ record: DataSource }> {
  const record = await getRecord(stores, ref, audit)
  const problems = [
    ...(expected.id === undefined || expected.id === record.id
      ? []
      : [{ field: 'id', message: `is not ${record.id}` }]),
    ...(expected.type === undefined || expected.type === record.type
      ? []
      : [{ field: 'type', message: `is ${record.type} and cannot be changed` }]),
  ]
  if (problems.length) throw invalid('The request is of another data source.', problems)
  return { record }
}
