import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'

/** Calls `listener` when the request can be sent: after the connection, and after the TLS handshake. */
export function onceConnected(request: ClientRequest, listener: () => void): void {
  request.on('socket', (socket: Socket & { secureConnecting?: boolean }) => {
    if (socket.secureConnecting) socket.once('secureConnect', listener)
    else if (socket.connecting) socket.once('connect', listener)
    else listener()
  })
}

/** A proxy that refuses a tunnel answers in place of Vault: its answer is an error. */
export function failOnRefusedTunnel(request: ClientRequest): void {
  request.on('proxyConnect', ({ statusCode = 200 }: { statusCode?: number }) => {
    if (statusCode !== 200) request.destroy(Object.assign(new Error(), { code: `PROXY_${statusCode}` }))
  })
}
