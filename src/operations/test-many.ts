import { DsctlError, type ErrorCode, isInterruption } from '../domain/errors.ts'
import type { ConnectionResult } from '../ports/connection-test.ts'
import type { Ref } from '../ports/lookup.ts'
import { type ListFilter, NO_FILTER } from '../ports/records.ts'
import { PARALLEL_TESTS } from './batch/limits.ts'
import { runInParallel } from './batch/run-in-parallel.ts'
import { explainNoMatch } from './explain-no-match.ts'
import { listAll } from './list.ts'
import type { Stores } from './stores.ts'
import { notTested, type StoredTestOptions, testStored } from './test-connection.ts'

/** A data source and its result. If the test could not run, `id` and `type` are null and `name` is the REF. */
export interface TestedSource {
  readonly source: { readonly id: string | null; readonly name: string; readonly type: string | null }
  readonly verdict: ConnectionResult
}

/**
 * Tests data sources, several at a time. Returns the results in the order of the REFs. If there are several REFs, a
 * failure does not stop the others. `onProgress` is called with the number of finished tests.
 */
export async function testMany(
  stores: Stores,
  refs: readonly Ref[],
  options: StoredTestOptions & { readonly onProgress: (done: number) => void },
): Promise<readonly TestedSource[]> {
  let done = 0
  return runInParallel(refs, PARALLEL_TESTS, async ref => {
    const tested = await testOne(stores, ref, { options, alone: refs.length === 1 })
    options.onProgress(++done)
    return tested
  })
}

async function testOne(
  stores: Stores,
  ref: Ref,
  { options, alone }: { options: StoredTestOptions; alone: boolean },
): Promise<TestedSource> {
  try {
    const { record, verdict } = await testStored(stores, ref, options)
    return { source: record, verdict }
  } catch (error) {
    if (alone || !(error instanceof DsctlError) || stopsAll(error.code)) throw error
    return { source: { id: null, name: ref.text, type: null }, verdict: notTested(error.message) }
  }
}

function stopsAll(code: ErrorCode): boolean {
  return code === 'bug' || code === 'unauthenticated' || isInterruption(code)
}

/**
 * All data sources of any of these types and envs, as REFs. Throws if the caller may not test them, and `not_found` if
 * there are none.
 */
export async function listToTest(
  stores: Stores,
  { types, envs }: Pick<ListFilter, 'types' | 'envs'>,
): Promise<readonly Ref[]> {
  const refs: Ref[] = []
  const filter = { ...NO_FILTER, types, envs }
  await listAll(stores, { ...filter, action: 'test' }, async page => {
    for (const { id } of page) refs.push({ text: id, env: undefined })
    return true
  })
  if (refs.length) return refs
  const { message, hint } = await explainNoMatch(stores, filter)
  throw new DsctlError('not_found', message, { hint })
}
