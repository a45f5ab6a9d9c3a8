import type { Context } from '../cli/context.ts'
import type { Credentials } from '../domain/secret.ts'
import { MAY, permitted } from '../operations/authorize.ts'
import type { CreateRequest } from '../operations/create.ts'
import { previewUpdate } from '../operations/preview-update.ts'
import type { Stores } from '../operations/stores.ts'
import { type TestResult, testCredentials, UNAUDITED_TEST } from '../operations/test-connection.ts'
import type { UpdateRequest } from '../operations/update-request.ts'
import { acceptingHostKeys } from './wizard/accept-host-key.ts'

/** Tests what a request would create, by whoever may create it. It is in the audit trail as any test. */
export async function testRequest(
  context: Context,
  { name, env, type, credentials }: CreateRequest,
): Promise<TestResult> {
  const { caller, records } = await context.records(MAY.change)
  const attempt = { eventId: crypto.randomUUID(), action: 'test', failsIfTaken: false, auditSuccess: true } as const
  const { unaudited } = permitted(await records.findName(caller, { name, env }, attempt))
  if (unaudited) context.warn(UNAUDITED_TEST)
  return test(context, type, credentials)
}

/** Likewise what an update would come to. Throws what that would. */
export async function testChanges(context: Context, stores: Stores, changes: UpdateRequest): Promise<TestResult> {
  const { unaudited } = permitted(
    await stores.records.find(stores.caller, changes.ref, { audit: 'test' }),
    changes.ref.text,
  )
  if (unaudited) context.warn(UNAUDITED_TEST)
  const { record, credentials } = await previewUpdate(stores, changes)
  return test(context, record.type, credentials)
}

async function test(context: Context, type: string, credentials: Credentials | null): Promise<TestResult> {
  const [tester, acceptHostKey] = await Promise.all([context.connections(), acceptingHostKeys(context)])
  return testCredentials(type, credentials, { tester, acceptHostKey })
}
