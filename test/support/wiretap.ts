import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { listen } from './listen.ts'

interface Request {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly headers: IncomingHttpHeaders
}

export interface Wiretap {
  readonly addr: string
  /** The requests, with their bodies as sent. */
  readonly requests: readonly Request[]
  close(): void
}

/** Forwards requests to Vault and records their bodies, because Vault's responses do not preserve the order of keys. */
export async function wiretap(vaultAddr: string): Promise<Wiretap> {
  const requests: Request[] = []
  const server = createServer((incoming, response) => {
    const { method = '', url = '', headers } = incoming
    read(incoming).then(body => {
      requests.push({ method, path: url, body, headers })
      const sent = request(`${vaultAddr}${url}`, { method, headers, agent: false }, answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      sent.on('error', () => incoming.socket.destroy())
      sent.end(body)
    })
  })
  const port = await listen(server)
  return { addr: `http://127.0.0.1:${port}`, requests, close: () => void server.close() }
}

async function read(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
