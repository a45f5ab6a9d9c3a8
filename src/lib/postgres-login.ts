import type { Duplex } from 'node:stream'
import { readFirstBytes } from './read-first-bytes.ts'

/** pg's option `sslnegotiation` for its default. Without a value, pg uses PGSSLNEGOTIATION. */
export const REQUESTED_TLS = 'postgres'

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * Sends SSLRequest. The answer, S or N, shows whether the server supports TLS, and that it is a Postgres server.
 * Undefined if it closes the connection. The caller must reject an answer of more than one byte: the further bytes came
 * unencrypted, and would be used as if they had come through TLS.
 */
export async function requestTls(stream: Duplex): Promise<string | undefined> {
  stream.write(SSL_REQUEST)
  return (await readFirstBytes(stream, { minBytes: 1, putBack: false }))?.toString('latin1')
}

/** Adapts an open connection to pg, which expects to connect a socket itself. */
export function asPgSocket(stream: Duplex): Duplex {
  const connect = () => {
    setImmediate(() => stream.emit('connect'))
    return stream
  }
  const noop = () => stream
  return Object.assign(stream, { connect, setNoDelay: noop, setKeepAlive: noop })
}
