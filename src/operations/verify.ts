import { DsctlError } from '../domain/errors.ts'
import { type Credentials, Secret } from '../domain/secret.ts'
import { throwIfInterrupted } from './interruption.ts'
import { previewUpdate } from './preview-update.ts'
import type { Stores } from './stores.ts'
import { type TestOptions, testCredentials } from './test-connection.ts'
import { update } from './update.ts'
import type { UpdateRequest, UpdateResult } from './update-request.ts'

/**
 * Tests credentials before they are stored. Returns the credentials to store, including a host key that was accepted.
 * Throws `unhealthy` if the connection fails.
 */
export async function verifyConnection(
  stores: Stores,
  { type, credentials }: { type: string; credentials: Credentials },
  testing: TestOptions,
): Promise<Credentials> {
  const { verdict, acceptedHostKey } = await testCredentials(type, credentials, testing)
  throwIfInterrupted(stores)
  const { ok, stage, code, message } = verdict
  if (ok && acceptedHostKey === undefined) return credentials
  if (ok) return { ...credentials, ssh_host_key: new Secret<unknown>(acceptedHostKey) }
  throw new DsctlError('unhealthy', `The connection failed. Stage ${stage}, ${code}: ${message}`, {
    hint: 'Nothing was written.',
  })
}

/** Tests the new credentials, then stores exactly those. Skips the test if no credentials change. */
export async function updateVerified(
  stores: Stores,
  request: UpdateRequest,
  { testing, preview, readBack }: { testing: TestOptions; preview: boolean; readBack: boolean },
): Promise<UpdateResult> {
  const planned = await previewUpdate(stores, request)
  if (planned.changed.length === 0 || !planned.credentials) return planned
  const { type } = planned.record
  const credentials = await verifyConnection(stores, { type, credentials: planned.credentials }, testing)
  const key = credentials.ssh_host_key
  const accepted = credentials !== planned.credentials && key ? { ssh_host_key: key } : {}
  if (preview) return { ...planned, credentials }
  const fields = { ...request.fields, ...accepted }
  return update(stores, { ...request, fields, verified: credentials }, { readBack })
}
