import { connect } from 'node:net'
import type pg from 'pg'

/**
 * Asks Postgres to stop what `client` is running, on a connection of its own as the protocol wants it. It proves
 * nothing: nobody waits for it, and the statement may have run all the same.
 * Source: PostgreSQL documentation, "Canceling Requests in Progress" (message CancelRequest, code 80877102).
 */
export function sendCancel(client: pg.PoolClient): void {
  const { processID, secretKey, host, port } = client as unknown as {
    processID: number | null
    secretKey: number | null
    host: string
    port: number
  }
  if (processID === null || secretKey === null) return
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(80877102, 4)
  message.writeInt32BE(processID, 8)
  message.writeInt32BE(secretKey, 12)
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.unref()
  socket.setTimeout(1000, () => socket.destroy())
  socket.on('error', () => {})
  socket.on('connect', () => socket.end(message))
}
