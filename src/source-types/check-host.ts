import { isIPv4, isIPv6 } from 'node:net'
import { splitHostAndPort } from '../lib/host-and-port.ts'
import { MAX_HOST } from './limits.ts'
import type { Field } from './source-type.ts'

// Letters, digits and hyphens, as in RFC 1123, and underscores, which many internal names contain.
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/

/** How a host may be written, and the fields for the other parts of an address. */
type HostOptions = Pick<Field, 'hostParts' | 'allowsPort'>

/** The problem with a host, if any. Suggests the host that was probably meant. */
export function hostProblem(
  text: string,
  { hostParts = {}, allowsPort = false }: HostOptions = {},
): string | undefined {
  if (isHost(text) || (allowsPort && isHostWithPort(text))) return undefined
  if (text.trim() === '') return 'must not be empty'
  const meant = probablyMeant(text)
  if (text.length > MAX_HOST && !meant) return `must have at most ${MAX_HOST} characters`
  const message = `must be a hostname or an IP address, without scheme, ${allowsPort ? '' : 'port, '}path or spaces`
  if (!meant) return message
  const { host, port, instance } = meant
  if (allowsPort) return `${message}; did you mean "${port ? withPort(host, port) : host}"?`
  const others = [
    ...(port && hostParts.port ? [` Set ${hostParts.port} to ${port}.`] : []),
    ...(instance && hostParts.instance ? [` Set ${hostParts.instance} to ${instance}.`] : []),
  ]
  return `${message}; did you mean "${host}"?${others.join('')}`
}

/** Whether a text is `HOST:PORT`, with an IPv6 address in brackets. */
function isHostWithPort(text: string): boolean {
  const { address, port } = splitHostAndPort(text)
  return port !== undefined && isHost(address)
}

function isHost(text: string): boolean {
  if (text.length > MAX_HOST) return false
  // isIPv6 is called only if needed: Node takes a millisecond to compile its pattern.
  if (text.includes(':') ? isIPv6(text) : isIPv4(text)) return true
  const labels = text.replace(/\.$/, '').split('.')
  // A name that ends in a number is an invalid IPv4 address.
  return labels.every(label => LABEL.test(label)) && !/^[0-9]+$/.test(labels.at(-1) ?? '')
}

interface MeantHost {
  readonly host: string
  readonly port: string | undefined
  readonly instance: string | undefined
}

/** The host in a URL, for example in `https://HOST:443/path`; never a part of its user or password. */
function probablyMeant(text: string): MeantHost | undefined {
  if (text.length > 2048) return undefined
  const address = text
    .trim()
    .replace(/^(?:[a-z][a-z0-9+.-]*:)*\/\//i, '')
    .replace(/^tcp:(?=[^/])/i, '')
  // Without a scheme, the text after an `@` may be a part of a password.
  if (address.includes('@') && address === text.trim()) return undefined
  const place = address.replace(/^.*@/s, '')
  const end = place.search(/[/\\?#,;]/)
  const [server, rest] = end < 0 ? [place, ''] : [place.slice(0, end), place.slice(end)]
  const host = server.replace(/^\[([^\]]*)\](?::[0-9]*)?$/, '$1').replace(/^([^:]*):[0-9]*$/, '$1')
  if (!isHost(host)) return undefined
  const port = /^(?:\[[^\]]*\]|[^:]*):([0-9]+)$/.exec(server)?.[1] ?? /^(?:\\[\w$-]*)?, ?([0-9]+)$/.exec(rest)?.[1]
  return { host, port, instance: /^\\([\w$-]+)/.exec(rest)?.[1] }
}

function withPort(host: string, port: string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
