/** Splits `HOST:PORT` and `[IPV6]:PORT`. `port` is undefined if there is none, or if it is not from 1 to 65535. */
export function splitHostAndPort(text: string): { readonly address: string; readonly port: number | undefined } {
  const [, ipv6, host, digits] = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  const address = ipv6 ?? host
  return address !== undefined && port >= 1 && port <= 65_535 ? { address, port } : { address: text, port: undefined }
}
