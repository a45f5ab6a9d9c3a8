import type { IncomingMessage } from 'node:http'

/**
 * Milliseconds to wait before a retry, like Vault's client does for 412, 429 and 5xx; undefined if the request must not
 * be retried. Writes are not retried here: the operations do that, because they have to know which answers were lost.
 */
export function retryDelay(
  method: string,
  { statusCode = 0, headers }: Pick<IncomingMessage, 'statusCode' | 'headers'>,
): number | undefined {
  const isRetryable = statusCode === 412 || statusCode === 429 || (statusCode >= 500 && statusCode !== 501)
  if (method !== 'GET' || !isRetryable) return undefined
  const seconds = Number(headers['retry-after'])
  return seconds > 0 ? seconds * 1000 : MIN_DELAY_MS + Math.random() * (MAX_DELAY_MS - MIN_DELAY_MS)
}

const MIN_DELAY_MS = 1000
const MAX_DELAY_MS = 1500
