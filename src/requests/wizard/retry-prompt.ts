import { DsctlError, isInterruption } from '../../domain/errors.ts'
import type { Prompter } from '../../terminal/prompter.ts'

/**
 * Calls `save`. After a failure, the user can try again or give up. Giving up throws the error. `prompter` is undefined if
 * prompts are off.
 */
export async function saveWithRetries<T>(prompter: Prompter | undefined, save: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await save()
    } catch (error) {
      await askWhatNext(prompter, error, [TRY_AGAIN])
    }
  }
}

/**
 * Reports a failure and asks the user what to do next. Throws the error if the user gives up, if prompts are off, or if
 * the error is a bug or an interruption.
 */
export async function askWhatNext<T extends string>(
  prompter: Prompter | undefined,
  error: unknown,
  choices: readonly { value: T; name: string }[],
): Promise<T> {
  const isRetryable = error instanceof DsctlError && error.code !== 'bug' && !isInterruption(error.code)
  if (!prompter || !isRetryable) throw error
  for (const { field, message } of error.details.fields ?? []) prompter.tell(`${field}: ${message}`)
  const giveUp = { value: GIVE_UP, name: 'Give up' } as const
  const picked = await prompter.askChoice<T | typeof GIVE_UP>(`${error.message} What next?`, [...choices, giveUp])
  if (picked === GIVE_UP) throw error
  return picked
}

/** Printed before the first question of a wizard. */
export const WIZARD_KEYS = 'Press Escape to go back, or Ctrl-C to cancel.'

const GIVE_UP = 'give up' as const
export const TRY_AGAIN = { value: 'again', name: 'Try again' } as const
