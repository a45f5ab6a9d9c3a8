import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface SqlServerBrowser {
  /** How many datagrams it received. */
  requests(): number
  close(): void
}

/** A SQL Server Browser that knows the ports of these instances. It answers from port 1434. Source: MC-SQLR. */
export async function sqlServerBrowser(host: string, ports: Record<string, number>): Promise<SqlServerBrowser> {
  const socket = createSocket('udp4')
  let requests = 0
  socket.on('message', (_, from) => {
    requests++
    const instances = Object.entries(ports).map(
      ([name, port]) => `ServerName;DB1;InstanceName;${name};IsClustered;No;Version;16.0.1000.6;tcp;${port};;`,
    )
    const body = Buffer.from(instances.join(''))
    const head = Buffer.from([5, 0, 0])
    head.writeUInt16LE(body.length, 1)
    socket.send(Buffer.concat([head, body]), from.port, from.address)
  })
  await once(socket.bind(1434, host), 'listening')
  return { requests: () => requests, close: () => void socket.close() }
}
