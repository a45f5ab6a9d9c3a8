import type { Context } from '../../cli/context.ts'

/**
 * Whether a jump host's key that nothing says anything about is taken as the right one: with `--accept-host-key` it
 * is, on a terminal a person is asked, one question at a time; else it is not.
 */
export async function acceptingHostKeys(
  context: Context,
): Promise<(jumpHost: string, fingerprint: string) => Promise<boolean>> {
  if (context.flags.acceptHostKey === true) return async () => true
  const prompter = await context.prompter()
  if (!prompter) return async () => false
  let asked: Promise<unknown> = Promise.resolve()
  return (jumpHost, fingerprint) => {
    const question = `The host key of ${jumpHost} is ${fingerprint}. Is it the right one, to be stored?`
    const answer = asked.then(() => prompter.confirm(question, false))
    asked = answer.catch(() => {})
    return answer
  }
}
