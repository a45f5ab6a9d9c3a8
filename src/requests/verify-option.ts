import type { Context } from '../cli/context.ts'
import type { TestOptions } from '../operations/test-connection.ts'
import { acceptingHostKeys } from './wizard/accept-host-key.ts'

/** How to test what is about to be stored, where `--verify` asks for it. Ctrl-C ends such a test at once. */
export async function verifying(context: Context): Promise<TestOptions | undefined> {
  if (context.flags.verify !== true) return undefined
  const [tester, acceptHostKey] = await Promise.all([context.connections(), acceptingHostKeys(context)])
  return {
    tester: { test: (type, credentials) => context.interruptible(() => tester.test(type, credentials)) },
    acceptHostKey: (jumpHost, key) => context.interruptible(() => acceptHostKey(jumpHost, key)),
  }
}
