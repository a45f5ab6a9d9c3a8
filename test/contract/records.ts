import { describe } from 'vitest'
import { authorizationTests } from './records/authorization.ts'
import { batchTests } from './records/batches.ts'
import { createTests } from './records/create.ts'
import { deleteTests } from './records/delete.ts'
import { findTests } from './records/find.ts'
import { findNameTests } from './records/find-names.ts'
import { listTests } from './records/list.ts'
import { settleTests } from './records/settle.ts'
import { type RecordsFixture, recordsSuite } from './records/suite.ts'
import { credentialsUpdateTests } from './records/update-credentials.ts'
import { plainUpdateTests } from './records/update-plain.ts'

/** The contract of the port `Records`, as tests that every implementation passes. */
export function recordsContract(name: string, open: () => Promise<RecordsFixture>): void {
  describe(`the records in ${name}`, () => {
    const suite = recordsSuite(open)
    authorizationTests(suite)
    findTests(suite)
    findNameTests(suite)
    listTests(suite)
    createTests(suite)
    plainUpdateTests(suite)
    credentialsUpdateTests(suite)
    deleteTests(suite)
    settleTests(suite)
    batchTests(suite)
  })
}
