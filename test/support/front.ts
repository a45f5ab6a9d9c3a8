import { request as forward, type IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import { authority } from './certificate.ts'

/** An HTTP server to serve under a name on HTTPS. */
export interface Service {
  readonly port: number
  /** Answers requests that the server itself does not check. */
  readonly refuse?: (headers: IncomingHttpHeaders) => number | undefined
}

export interface Front {
  /** The certificate of the authority that signed the names' certificates. */
  readonly ca: string
  close(): void
}

/** A TLS proxy on port 443 of a loopback address. Forwards each name to its own HTTP server. */
export async function front(address: string, services: Readonly<Record<string, Service>>): Promise<Front> {
  const signer = authority()
  const server = createServer(signer.certificateFor(address), (incoming, outgoing) => {
    const { host = '', ...headers } = incoming.headers
    const service = services[host.replace(/:443$/, '')]
    const status = service === undefined ? 421 : service.refuse?.(headers)
    if (service === undefined || status !== undefined) return void outgoing.writeHead(status ?? 421).end('{}')
    const { method, url: path } = incoming
    const onward = forward({ host: '127.0.0.1', port: service.port, method, path, headers }, answer => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  for (const name of Object.keys(services)) server.addContext(name, signer.certificateFor(name))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(443, address, resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { ca: signer.cert, close }
}
