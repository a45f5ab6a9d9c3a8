import type { Context } from '../../cli/context.ts'
import { DsctlError, isInterruption } from '../../domain/errors.ts'
import type { Prompter } from '../../terminal/prompter.ts'

/**
 * After a failure, asks a person whether to try again or to change something first. Throws the error where they give
 * up, or where it is none to go on from; on Ctrl-C `interrupted`.
 */
export async function askWhatNow<T extends string>(
  { context, prompter }: { context: Context; prompter: Prompter },
  error: unknown,
  choices: readonly { value: T; name: string }[],
): Promise<T> {
  if (!(error instanceof DsctlError) || error.code === 'bug' || isInterruption(error.code)) throw error
  for (const { field, message } of error.details.fields ?? []) context.warn(`${field}: ${message}`)
  const giveUp = { value: GIVE_UP, name: 'Give up' } as const
  const picked = await prompter.askChoice<T | typeof GIVE_UP>(`${error.message} What now?`, [...choices, giveUp])
  if (picked === GIVE_UP) throw error
  return picked
}

const GIVE_UP = 'give up' as const
export const AGAIN = { value: 'again', name: 'Try again' } as const

/** Saves what a person has typed, again and again until it is saved or they give up. */
export async function insist<T>(context: Context, save: () => Promise<T>): Promise<T> {
  const prompter = await context.prompter()
  for (;;) {
    try {
      return await save()
    } catch (error) {
      if (!prompter) throw error
      await askWhatNow({ context, prompter }, error, [AGAIN])
    }
  }
}
