import { DsctlError } from '../domain/errors.ts'
import type { Credentials } from '../domain/secret.ts'
import { interruptionError, type Stores } from './stores.ts'
import { type TestOptions, testCredentials } from './test-connection.ts'
import { previewUpdate, type UpdateRequest, type UpdateResult, update } from './update.ts'

/**
 * Tests credentials before they are stored; answers them as they are to be stored, with a host key that was accepted.
 * Throws `unhealthy` where they do not connect.
 */
export async function verifyConnection(
  stores: Stores,
  { type, credentials }: { type: string; credentials: Credentials },
  testing: TestOptions,
): Promise<Credentials> {
  const tested = await testCredentials(type, credentials, testing)
  const stopped = stores.interrupted()
  if (stopped) throw interruptionError(stopped)
  const { ok, stage, code, message } = tested.verdict
  if (ok) return tested.acceptedHostKey === undefined ? credentials : tested.credentials
  throw new DsctlError('unhealthy', `It does not connect. Stage ${stage}, ${code}: ${message}`, {
    hint: 'Nothing was written.',
  })
}

/**
 * An update whose result was seen to connect: the credentials are stored as they were tested, or not at all. One that
 * changes nothing is not tested.
 */
export async function updateVerified(
  stores: Stores,
  request: UpdateRequest,
  { testing, preview, wanted }: { testing: TestOptions; preview: boolean; wanted: boolean },
): Promise<UpdateResult> {
  const planned = await previewUpdate(stores, request)
  if (planned.changed.length === 0 || !planned.credentials) return planned
  const { type } = planned.record
  const credentials = await verifyConnection(stores, { type, credentials: planned.credentials }, testing)
  const key = credentials.ssh_host_key
  const accepted = credentials !== planned.credentials && key ? { ssh_host_key: key } : {}
  if (preview) return { ...planned, credentials }
  const fields = { ...request.fields, ...accepted }
  return update(stores, { ...request, fields, verified: credentials }, wanted)
}
