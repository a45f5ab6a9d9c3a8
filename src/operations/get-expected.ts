import type { DataSource } from '../domain/data-source.ts'
import { invalid } from '../domain/errors.ts'
import type { FindAudit, Ref } from '../ports/lookup.ts'
import { getRecord } from './get-record.ts'
import type { Stores } from './stores.ts'

/** The id and type that a request contains, such as one made by editing the output of `get`. Undefined if absent. */
export interface Expected {
  readonly id: unknown
  readonly type: unknown
}

/** Returns the record to update. Throws `invalid` if the request contains the id or type of another data source. */
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
  if (problems.length) throw invalid('The request is for another data source.', problems)
  return { record }
}
