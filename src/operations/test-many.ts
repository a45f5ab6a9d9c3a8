import { DsctlError, type ErrorCode, isInterruption } from '../domain/errors.ts'
import type { ConnectionResult } from '../ports/connection-test.ts'
import type { Ref } from '../ports/lookup.ts'
import { listAll } from './list.ts'
import type { Stores } from './stores.ts'
import { notTested, type StoredTestOptions, testStored } from './test-connection.ts'

/** A verdict and what it is of; of a REF that led to nothing only its text is known. */
export interface TestOutcomeOf {
  readonly of: { readonly id: string | null; readonly name: string; readonly type: string | null }
  readonly verdict: ConnectionResult
}

/** How many connections are tested at the same time. */
const AT_ONCE = 8

/**
 * Tests data sources, several at a time; the answers come in the order of the REFs. Of several, one that is not there
 * does not keep the others from being tested. `told` hears how many are done.
 */
export async function testMany(
  stores: Stores,
  refs: readonly Ref[],
  how: StoredTestOptions & { told: (done: number) => void },
): Promise<readonly TestOutcomeOf[]> {
  const tested: TestOutcomeOf[] = []
  let next = 0
  let done = 0
  const work = async () => {
    for (let at = next++, ref = refs[at]; ref; at = next++, ref = refs[at]) {
      tested[at] = await testOne(stores, ref, { how, alone: refs.length === 1 })
      how.told(++done)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, refs.length) }, work))
  return tested
}

async function testOne(
  stores: Stores,
  ref: Ref,
  { how, alone }: { how: StoredTestOptions; alone: boolean },
): Promise<TestOutcomeOf> {
  try {
    const { record, verdict } = await testStored(stores, ref, how)
    return { of: record, verdict }
  } catch (error) {
    if (alone || !(error instanceof DsctlError) || endsAll(error.code)) throw error
    return { of: { id: null, name: ref.text, type: null }, verdict: notTested(error.message) }
  }
}

function endsAll(code: ErrorCode): boolean {
  return code === 'bug' || code === 'unauthenticated' || isInterruption(code)
}

/** All data sources of a type and an env, as REFs. Throws if the caller may not test them. */
export async function listToTest(
  stores: Stores,
  { type, env }: { type: string | undefined; env: string | undefined },
): Promise<readonly Ref[]> {
  const refs: Ref[] = []
  await listAll(stores, { type, env, status: undefined, search: undefined, action: 'test' }, async page => {
    for (const { id } of page) refs.push({ text: id, env: undefined })
    return true
  })
  return refs
}
