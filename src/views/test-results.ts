import type { ConnectionResult } from '../ports/connection-test.ts'
import type { OutcomesView } from '../terminal/view.ts'

/**
 * The output of `test` for one data source. If the test could not run, `id` and `type` are null and `name` is the REF.
 */
export interface TestResultJson {
  readonly id: string | null
  readonly name: string
  readonly type: string | null
  readonly ok: boolean
  readonly stage: string
  readonly code: string
  readonly message: string
  readonly latency_ms: number
  readonly server_version: string | null
}

export function testResult(
  { id, name, type }: { id: string | null; name: string; type: string | null },
  { ok, stage, code, message, latencyMs, serverVersion }: ConnectionResult,
): TestResultJson {
  return { id, name, type, ok, stage, code, message, latency_ms: latencyMs, server_version: serverVersion }
}

export function testResultsView(outcomes: readonly TestResultJson[]): OutcomesView<TestResultJson> {
  return {
    kind: 'outcomes',
    data: outcomes,
    columns: [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'TYPE', value: ({ type }) => type, fixed: true },
      { title: 'STAGE', value: ({ stage }) => stage, fixed: true },
      { title: 'RESULT', value: ({ ok, code }) => ({ text: code, tone: ok ? 'good' : 'bad' }), fixed: true },
      { title: 'MS', value: ({ latency_ms }) => latency_ms, fixed: true },
      { title: 'MESSAGE', value: ({ message }) => message, wrap: true },
    ],
    // If some fail, the error message counts them.
    summary: outcomes.every(({ ok }) => ok) ? `${outcomes.length} of ${outcomes.length} passed.` : undefined,
  }
}
