import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'

/** Starts TLS on an open connection. Rejects with the error of the handshake, or undefined if the server hangs up. */
export function startTls(stream: Duplex, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(reject, { ...options, socket: stream })
    socket?.once('error', reject)
    socket?.once('close', () => reject(undefined))
    socket?.once('secureConnect', () => {
      socket.off('error', reject)
      socket.on('error', () => {}) // reported by the code that uses the socket
      resolve(socket)
    })
  })
}

/** Node throws synchronously if an option is not valid. */
function connectTls(fail: (error: unknown) => void, options: ConnectionOptions): TLSSocket | undefined {
  try {
    return connect(options)
  } catch (error) {
    fail(error)
    return undefined
  }
}
