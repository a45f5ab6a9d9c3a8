import { BlockList, isIP } from 'node:net'

/** A host to connect to. */
export interface ProxyTarget {
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
}

/**
 * Whether NO_PROXY excludes a host, as in Go and so in the Vault command: a name also covers its subdomains, a leading
 * dot or `*.` covers only subdomains, `*` covers everything, and an address may be a CIDR range. An entry with a
 * port applies only to that port.
 */
export function isExcludedFromProxy(noProxy: string, target: ProxyTarget): boolean {
  return noProxy.split(/[,\s]+/).some(entry => entry !== '' && matches(entry.toLowerCase(), target))
}

function matches(entry: string, { hostname, port }: ProxyTarget): boolean {
  if (entry === '*') return true
  const host = hostname.toLowerCase().replace(/\.$/, '')
  const range = /^(.+)\/(\d{1,3})$/.exec(entry)
  if (range) return isInRange(host, range[1] ?? '', Number(range[2]))
  const { name, port: onlyPort } = splitPort(entry)
  if (onlyPort !== undefined && onlyPort !== port) return false
  if (isIP(name)) return isInRange(host, name, isIP(name) === 4 ? 32 : 128)
  if (isIP(host)) return false
  const suffix = name.replace(/^\*?\./, '.')
  return suffix.startsWith('.') ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`)
}

function splitPort(entry: string): { name: string; port: number | undefined } {
  if (isIP(entry)) return { name: entry, port: undefined }
  const [, name = entry, port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? []
  return { name: name.replace(/^\[|\]$/g, ''), port: port === undefined ? undefined : Number(port) }
}

function isInRange(host: string, address: string, prefix: number): boolean {
  const family = isIP(address)
  if (family === 0 || isIP(host) !== family || prefix > (family === 4 ? 32 : 128)) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const range = new BlockList()
  range.addSubnet(address, prefix, type)
  return range.check(host, type)
}
