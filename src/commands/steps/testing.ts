import type { Context } from '../../cli/context.ts'
import { MAY } from '../../operations/authorize.ts'
import type { CreateRequest } from '../../operations/create.ts'
import type { TestOptions, TestResult } from '../../operations/test-connection.ts'
import { testNew } from '../../operations/test-unsaved.ts'
import { hostKeyPrompt } from '../../requests/wizard/accept-host-key.ts'
import type { Summary } from '../../terminal/review.ts'

/** The options of a command that can test a connection before it writes. */
export interface VerifyOptions {
  readonly verify?: boolean
  readonly acceptHostKey?: boolean
}

/** Opens the connection tester and the prompt for unknown host keys. */
export async function openTesting(
  context: Context,
  { acceptHostKey: accept = false }: Pick<VerifyOptions, 'acceptHostKey'>,
): Promise<TestOptions> {
  const [tester, acceptHostKey] = await Promise.all([context.connections(), hostKeyPrompt(context, { accept })])
  return { tester, acceptHostKey }
}

/** With `--verify`, opens the tester and the prompt. Ctrl-C stops such a test at once, since nothing is written yet. */
export async function openVerification(context: Context, options: VerifyOptions): Promise<TestOptions | undefined> {
  if (!options.verify) return undefined
  const { tester, acceptHostKey } = await openTesting(context, options)
  return {
    tester: { test: (type, credentials) => context.interruptible(() => tester.test(type, credentials)) },
    acceptHostKey: (jumpHost, key) => context.interruptible(() => acceptHostKey(jumpHost, key)),
  }
}

/** Tests the data source that a request would create. */
export async function testRequest(
  context: Context,
  request: CreateRequest,
  options: Pick<VerifyOptions, 'acceptHostKey'>,
): Promise<TestResult> {
  const access = await context.records(MAY.change)
  return testNew(access, request, { ...(await openTesting(context, options)), warn: context.warn })
}

/** The result of a test, for the summary of a wizard. */
export function resultFor({ ok, stage, code, message }: TestResult['verdict']): Summary['result'] {
  if (ok) return { text: `The connection test passed: ${message}`, tone: 'good' }
  return { text: `The connection test failed. Stage ${stage}, ${code}: ${message}`, tone: 'bad' }
}
