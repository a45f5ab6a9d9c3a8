import { type DataSource, ONBOARDING_ALLOWED_FROM } from '../domain/data-source.ts'
import { type Credentials, Secret } from '../domain/secret.ts'
import type { ConnectionResult, ConnectionTester } from '../ports/connection-test.ts'
import type { Ref } from '../ports/lookup.ts'
import type { Onboarding } from '../ports/onboarding.ts'
import { checkStored } from '../source-types/check-stored.ts'
import { findSourceType } from '../source-types/index.ts'
import { normalizeCredentials } from '../source-types/normalize.ts'
import { permitted } from './authorize.ts'
import { throwIfInterrupted } from './interruption.ts'
import { sendMove } from './onboarding.ts'
import type { Stores } from './stores.ts'
import { retry } from './two-stores/retry.ts'
import { update } from './update.ts'

export interface TestOptions {
  readonly tester: ConnectionTester
  /** Asks whether to accept and store the host key of a jump host. Called if no key is stored yet. */
  acceptHostKey(jumpHost: string, fingerprint: string): Promise<boolean>
}

/** The result of a test, and the host key that was accepted for it. */
export interface TestResult {
  readonly verdict: ConnectionResult
  readonly acceptedHostKey: string | undefined
}

/** Tests credentials that are, or would be, stored. Problems with them are part of the result and are not thrown. */
export async function testCredentials(
  typeName: string,
  stored: Credentials | null,
  { tester, acceptHostKey }: TestOptions,
): Promise<TestResult> {
  const type = findSourceType(typeName)
  const none = { acceptedHostKey: undefined }
  if (!type) return { ...none, verdict: notTested(`dsctl does not know the type ${typeName}.`) }
  if (!stored) return { ...none, verdict: notTested('The data source has no credentials in Vault.') }
  const problems = checkStored(type, stored).map(({ field, message }) => `${field} ${message}`)
  if (problems.length) {
    return { ...none, verdict: notTested(`The credentials cannot be used: ${problems.join('; ')}.`) }
  }
  const credentials = normalizeCredentials(type, stored)
  const verdict = await tester.test(type, credentials)
  const found = verdict.unknownHostKey
  const jumpHost = String(credentials.jump_host?.reveal() ?? '')
  if (found === null || !(await acceptHostKey(jumpHost, found))) return { ...none, verdict }
  const accepted = normalizeCredentials(type, { ...credentials, ssh_host_key: new Secret<unknown>(found) })
  return { verdict: await tester.test(type, accepted), acceptedHostKey: found }
}

export interface StoredTestOptions extends TestOptions {
  /** If given, the test updates the onboarding status. */
  readonly onboarding: Onboarding | undefined
  readonly warn: (text: string) => void
  /** Runs an operation that has to finish its current step even if the user interrupts the command. */
  uninterruptible<T>(operation: () => Promise<T>): Promise<T>
}

export const UNAUDITED_TEST = 'This test is not in the audit trail, because your Postgres role cannot write here.'

/** Tests a data source. The test is audited. An accepted host key is stored. */
export async function testStored(
  stores: Stores,
  ref: Ref,
  how: StoredTestOptions,
): Promise<{ record: DataSource; verdict: ConnectionResult }> {
  const found = permitted(await stores.records.find(stores.caller, ref, { audit: 'refused test' }), ref.text)
  const { record } = found
  const read = await retry(stores, () => stores.secrets.read(record))
  if (read.kind !== 'answered') throw read.error
  if (how.onboarding) await startOnboarding(stores, how.onboarding, record)
  const { verdict, acceptedHostKey } = await testCredentials(record.type, read.answer.data, how)
  await auditTest(stores, record.id, { ok: verdict.ok, warn: how.warn })
  throwIfInterrupted(stores)
  if (acceptedHostKey !== undefined) await how.uninterruptible(() => storeHostKey(stores, record, acceptedHostKey))
  if (how.onboarding) await finishOnboarding(stores, how.onboarding, { record, verdict, warn: how.warn })
  return { record, verdict }
}

/** Records the result of a test of a data source in the audit trail. */
export async function auditTest(
  { caller, records }: Pick<Stores, 'caller' | 'records'>,
  id: string,
  { ok, warn }: { ok: boolean; warn: (text: string) => void },
): Promise<void> {
  const ref = { text: id, env: undefined }
  const found = await records.find(caller, ref, { audit: ok ? 'test' : 'failed test' })
  if (found.kind === 'found' && found.unaudited) warn(UNAUDITED_TEST)
}

/** The result if there are no usable credentials to test. */
export function notTested(message: string): ConnectionResult {
  const none = { latencyMs: 0, serverVersion: null, unknownHostKey: null }
  return { ok: false, stage: 'resolve', code: 'failed', message, ...none }
}

async function storeHostKey(stores: Stores, { id }: DataSource, fingerprint: string): Promise<void> {
  const ref = { text: id, env: undefined }
  const expected = { id: undefined, type: undefined }
  await update(stores, {
    ...{ ref, name: undefined, env: undefined, unset: [], expected },
    fields: { ssh_host_key: fingerprint },
  })
}

/** Changes the status to inProgress, unless it is inProgress or completed already. */
async function startOnboarding(stores: Stores, onboarding: Onboarding, record: DataSource): Promise<void> {
  if (!ONBOARDING_ALLOWED_FROM.inProgress.includes(record.onboardingStatus)) return
  const ref = { text: record.id, env: undefined }
  await sendMove(stores, onboarding, { ref, status: 'inProgress', error: undefined })
}

async function finishOnboarding(
  stores: Stores,
  onboarding: Onboarding,
  { record, verdict, warn }: { record: DataSource; verdict: ConnectionResult; warn: (text: string) => void },
): Promise<void> {
  if (record.onboardingStatus === 'completed') {
    if (!verdict.ok)
      warn(
        `The onboarding status of ${record.name} stays completed. To reset it, run dsctl onboarding ${record.name} notStarted.`,
      )
    return
  }
  const status = verdict.ok ? 'completed' : 'failed'
  const error = verdict.ok ? undefined : `${verdict.stage}, ${verdict.code}: ${verdict.message}`.slice(0, 1000)
  const moved = await sendMove(stores, onboarding, { ref: { text: record.id, env: undefined }, status, error })
  if (moved.kind === 'refused')
    warn(`Someone else has changed the onboarding status of ${record.name} to ${moved.from} in the meantime.`)
}
