import { UnavailableError, withDetails } from '../domain/errors.ts'

/** Sends a change that no intent is kept of. Where its answer is lost, `hint` says how to learn whether it was done. */
export async function sendUnlogged<T>(send: () => Promise<T>, hint: string): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (!(error instanceof UnavailableError) || error.delivered === 'no') throw error
    throw withDetails(error, { outcome: 'unknown', hint })
  }
}
