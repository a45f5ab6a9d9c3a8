import type { IncomingMessage } from 'node:http'
import { isLoopback } from '../lib/loopback.ts'
import type { RequestTarget } from './server-address.ts'

/**
 * The URL that a standby node redirects to; undefined if the response is not a redirect, or if following it would send
 * the token unencrypted: from HTTPS to HTTP, or from this machine to another machine over HTTP.
 */
export function redirection(
  { statusCode = 0, headers: { location } }: IncomingMessage,
  from: RequestTarget,
): URL | undefined {
  if (!isRedirect(statusCode) || location === undefined) return undefined
  const base = `${from.server.origin}${from.path}`
  const next = URL.canParse(location, base) ? new URL(location, base) : undefined
  if (next?.protocol === 'https:') return next
  if (next?.protocol !== 'http:' || from.server.isSecure) return undefined
  return isLoopback(next.hostname) || !isLoopback(from.server.hostname) ? next : undefined
}

/** Whether a status is a redirect. Dsctl sends the same request again, also for 301 to 303, as Vault's client does. */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}
