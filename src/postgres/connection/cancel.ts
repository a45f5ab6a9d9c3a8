import { connect } from 'node:net'
import type pg from 'pg'
import type { ServerAddress } from './settings.ts'

/**
 * Asks Postgres to cancel the statement that `client` is running. As the protocol requires, the request uses a separate
 * connection. It is best effort: it is not awaited, and the statement may still complete.
 * Source: PostgreSQL documentation, "Canceling Requests in Progress" (message CancelRequest, code 80877102).
 */
export function sendCancel(client: pg.PoolClient, address: ServerAddress): void {
  const { processID, secretKey } = client as unknown as {
    processID: number | null
    secretKey: number | null
  }
  if (processID === null || secretKey === null) return
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(80877102, 4)
  message.writeInt32BE(processID, 8)
  message.writeInt32BE(secretKey, 12)
  const socket = connect(address)
  socket.unref()
  socket.setTimeout(1000, () => socket.destroy())
  socket.on('error', () => {})
  socket.on('connect', () => socket.end(message))
}
