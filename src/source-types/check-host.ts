import { isIPv4, isIPv6 } from 'node:net'
import { MAX_HOST } from './limits.ts'

// Letters, digits and hyphens, as in RFC 1123, and underscores, which many internal names contain.
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/

/** The problem with a host, if any. Suggests the host that was probably meant. */
export function hostProblem(text: string): string | undefined {
  if (isHost(text)) return undefined
  if (text.trim() === '') return 'must not be empty'
  const meant = probablyMeant(text)
  if (text.length > MAX_HOST && !meant) return `must have at most ${MAX_HOST} characters`
  const message = 'must be a hostname or an IP address, without scheme, port, path or spaces'
  return meant ? `${message}; did you mean "${meant}"?` : message
}

function isHost(text: string): boolean {
  if (text.length > MAX_HOST) return false
  // isIPv6 is called only if needed: Node takes a millisecond to compile its pattern.
  if (text.includes(':') ? isIPv6(text) : isIPv4(text)) return true
  const labels = text.replace(/\.$/, '').split('.')
  // A name that ends in a number is an invalid IPv4 address.
  return labels.every(label => LABEL.test(label)) && !/^[0-9]+$/.test(labels.at(-1) ?? '')
}

/** The host in a URL, for example in `https://HOST:443/path`; never a part of its user or password. */
function probablyMeant(text: string): string | undefined {
  if (text.length > 2048) return undefined
  const address = text.trim().replace(/^(?:[a-z][a-z0-9+.-]*:)*\/\//i, '')
  // Without a scheme, the text after an `@` may be a part of a password.
  if (address.includes('@') && address === text.trim()) return undefined
  const host = address
    .replace(/^.*@/s, '')
    .replace(/[/\\?#,;].*$/s, '')
    .replace(/^\[([^\]]*)\](?::[0-9]*)?$/, '$1')
    .replace(/^([^:]*):[0-9]*$/, '$1')
  return isHost(host) ? host : undefined
}
