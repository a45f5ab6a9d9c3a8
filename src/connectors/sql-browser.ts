import { createSocket } from 'node:dgram'
import type { TestRun } from './driver.ts'

const BROWSER_PORT = 1434
const ATTEMPTS = 3
const INTERVAL_MS = 1_000
/** CLNT_UCAST_INST: asks about one instance. */
const INSTANCE_REQUEST = 4
/** Type and length of the response. */
const HEADER_BYTES = 3

/**
 * Asks SQL Server Browser for the port of an instance. Undefined if nothing answers or the instance has no port. A
 * datagram may be lost, so it is sent several times. Source: MC-SQLR, "Message Syntax".
 */
export function findInstancePort(run: TestRun, host: string, instance: string): Promise<number | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const timers: NodeJS.Timeout[] = []
    let ended = false
    const end = (port?: number) => {
      if (ended) return
      ended = true
      for (const timer of timers) clearTimeout(timer)
      socket.close()
      resolve(port)
    }
    run.onEnd(() => end())
    socket.on('error', () => end()) // unknown host, or nothing listens there
    socket.on('message', response => end(portIn(response, instance)))
    // Connected, so that Node reports a closed port and drops datagrams from other hosts.
    socket.connect(BROWSER_PORT, host, () => {
      if (ended) return
      const send = () => socket.send(Buffer.from([INSTANCE_REQUEST, ...Buffer.from(instance), 0]))
      send()
      for (let attempt = 1; attempt < ATTEMPTS; attempt++) timers.push(setTimeout(send, attempt * INTERVAL_MS))
      timers.push(setTimeout(end, Math.min(ATTEMPTS * INTERVAL_MS, run.remainingMs() / 2)))
    })
  })
}

/**
 * The response has names and values in turn:
 * `ServerName;DB1;InstanceName;SALES;IsClustered;No;Version;16.0;tcp;50123;;`.
 */
function portIn(response: Buffer, instance: string): number | undefined {
  const instances = response.toString('latin1', HEADER_BYTES).split(';;')
  const values = instances.map(text => pairsOf(text.split(';')))
  const found = values.find(each => each.get('InstanceName')?.toUpperCase() === instance.toUpperCase())
  const port = Number(found?.get('tcp'))
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined
}

function pairsOf(texts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(texts.flatMap((name, at) => (at % 2 === 0 ? [[name, texts[at + 1] ?? ''] as const] : [])))
}
