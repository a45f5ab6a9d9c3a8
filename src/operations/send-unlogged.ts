import { UnavailableError, withDetails } from '../domain/errors.ts'

/** Sends a change that has no intent, once. If the answer is lost, the error's `hint` says how to find out what happened. */
export async function sendUnlogged<T>(send: () => Promise<T>, hint: string): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (!(error instanceof UnavailableError) || error.delivered === 'no') throw error
    throw withDetails(error, { outcome: 'unknown', hint })
  }
}
