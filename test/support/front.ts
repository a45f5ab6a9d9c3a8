import { request as forward, type IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import { authority } from './certificate.ts'

/** A server on http that is to be found under a name, on https. */
export interface Service {
  readonly port: number
  /** Answers in its place, for what it does not check itself. */
  readonly refuse?: (headers: IncomingHttpHeaders) => number | undefined
}

export interface Front {
  /** Of the authority that has signed for the names. */
  readonly ca: string
  close(): void
}

/** TLS on port 443 of an address of this machine, before servers that have none: each name leads to its own. */
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
