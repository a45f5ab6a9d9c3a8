import { UnavailableError, withDetails } from '../domain/errors.ts'

/**
 * Sends, without retries, a change that has no intent. If the answer is lost, the error has outcome `unknown` and
 * `hint`.
 */
export async function sendUnlogged<T>(send: () => Promise<T>, hint: string): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (!(error instanceof UnavailableError) || error.delivered === 'no') throw error
    throw withDetails(error, { outcome: 'unknown', hint })
  }
}
