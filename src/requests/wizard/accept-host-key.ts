import type { InputContext } from '../../cli/context.ts'

type AcceptHostKey = (jumpHost: string, fingerprint: string) => Promise<boolean>

/**
 * Decides whether to accept an unknown host key: yes with `--accept-host-key`; otherwise asks; no if prompts are off.
 */
export async function hostKeyPrompt(context: InputContext, options: { accept?: boolean }): Promise<AcceptHostKey> {
  if (options.accept) return async () => true
  const prompter = await context.prompter()
  if (!prompter) return async () => false
  // Several tests run at once, but the terminal shows one question at a time.
  let previous: Promise<unknown> = Promise.resolve()
  return (jumpHost, fingerprint) => {
    const question = `The host key of ${jumpHost} is ${fingerprint}. Trust this key and store it?`
    const answer = previous.then(() => prompter.confirm(question, false))
    previous = answer.catch(() => {})
    return answer
  }
}
