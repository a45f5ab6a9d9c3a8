import type { Caller } from '../ports/caller.ts'
import type { Records } from '../ports/records.ts'
import { permitted } from './authorize.ts'
import type { CreateRequest } from './create.ts'
import { previewUpdate } from './preview-update.ts'
import type { Stores } from './stores.ts'
import { auditTest, type TestOptions, type TestResult, testCredentials, UNAUDITED_TEST } from './test-connection.ts'
import type { UpdateRequest } from './update-request.ts'

interface RecordAccess {
  readonly caller: Caller
  readonly records: Records
}

interface UnsavedTestOptions extends TestOptions {
  readonly warn: (text: string) => void
}

/** Throws if the caller may not test data sources. Audits a denial. A permitted test is audited later, when it runs. */
export async function checkMayTest(
  { caller, records }: RecordAccess,
  { name, env }: Pick<CreateRequest, 'name' | 'env'>,
): Promise<void> {
  const attempt = { eventId: crypto.randomUUID(), action: 'test', failsIfTaken: false } as const
  permitted(await records.findName(caller, { name, env }, attempt))
}

/** Tests the data source that a request would create. The test is audited. */
export async function testNew(
  { caller, records }: RecordAccess,
  { name, env, type, credentials }: CreateRequest,
  { warn, ...options }: UnsavedTestOptions,
): Promise<TestResult> {
  await checkMayTest({ caller, records }, { name, env })
  const tested = await testCredentials(type, credentials, options)
  const outcome = tested.verdict.ok ? 'done' : 'failed'
  const attempt = { eventId: crypto.randomUUID(), action: 'test', failsIfTaken: false, outcome } as const
  const { unaudited } = permitted(await records.findName(caller, { name, env }, attempt))
  if (unaudited) warn(UNAUDITED_TEST)
  return tested
}

/** Tests a data source as an update would leave it. Audits the test. Throws the errors that the update would throw. */
export async function testUpdate(
  stores: Stores,
  changes: UpdateRequest,
  { warn, ...options }: UnsavedTestOptions,
): Promise<TestResult> {
  permitted(await stores.records.find(stores.caller, changes.ref, { audit: 'refused test' }), changes.ref.text)
  const { record, credentials } = await previewUpdate(stores, changes)
  const tested = await testCredentials(record.type, credentials, options)
  await auditTest(stores, record.id, { ok: tested.verdict.ok, warn })
  return tested
}
