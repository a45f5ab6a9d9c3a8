/** A server, parsed from a URL. */
export interface ServerAddress {
  /** Scheme and authority, for example `https://vault.internal:8200`. */
  readonly origin: string
  readonly isSecure: boolean
  /** The hostname with the port, or the address of a socket, for messages. */
  readonly host: string
  readonly hostname: string
  readonly port: string
  /** USER:PASSWORD for a proxy in front of Vault, if the URL contains them. */
  readonly basicAuth: string | undefined
  /** Path of the Unix socket to connect to instead of the host. */
  readonly socketPath: string | undefined
}

export interface RequestTarget {
  readonly server: ServerAddress
  /** Path and query. */
  readonly path: string
}

const ORIGIN = /^[a-z]+:\/\/[^/?#\\]*/i
/** Paths that URL would not change, so they need not be parsed. */
const PLAIN_PATH = /^\/[\w/-]*(?:\?[\w=&-]*)?$/

/** The origin in requests to a Unix socket. */
export const SOCKET_ORIGIN = 'http://localhost'

/**
 * Parses URLs into targets. Remembers the last server: a batch sends thousands of requests to the same one. With
 * `socketPath`, SOCKET_ORIGIN is the server behind that Unix socket.
 */
export function targetParser(socketPath?: string): (url: string) => RequestTarget {
  let last: ServerAddress | undefined
  const parse = (url: string): RequestTarget => {
    const [origin = ''] = ORIGIN.exec(url) ?? []
    const path = url.slice(origin.length)
    if (!PLAIN_PATH.test(path)) {
      const { href, pathname, search } = new URL(url)
      return { ...parse(`${ORIGIN.exec(href)?.[0]}/`), path: `${pathname}${search}` }
    }
    if (last?.origin !== origin) last = parseServer(origin, origin === SOCKET_ORIGIN ? socketPath : undefined)
    return { server: last, path }
  }
  return parse
}

function parseServer(origin: string, socketPath: string | undefined): ServerAddress {
  const { protocol, host, hostname, port, username, password } = new URL(origin)
  const basicAuth = username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    origin,
    isSecure: protocol === 'https:',
    host: socketPath === undefined ? host : `unix://${socketPath}`,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    basicAuth,
    socketPath,
  }
}
