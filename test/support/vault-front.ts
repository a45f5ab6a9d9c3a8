import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { connect, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Certificate } from './certificate.ts'
import { listen } from './listen.ts'

export interface FrontRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The server name that the client sent in the TLS handshake. */
  readonly servername: string | undefined
}

export interface VaultFront {
  /** Without a scheme and a host; undefined for a socket. */
  readonly port: number | undefined
  readonly requests: readonly FrontRequest[]
  close(): void
}

interface FrontOptions {
  readonly tls?: Certificate
  /** Requires a client certificate of this authority (PEM). */
  readonly clientCa?: string
  /** Path of a Unix socket to listen on. */
  readonly socket?: string
  /** Changes the headers of a request, as an agent does. */
  readonly change?: (headers: IncomingHttpHeaders) => IncomingHttpHeaders
  /** Added to the headers of answers. */
  readonly answerHeaders?: Readonly<Record<string, string>>
  /** An answer in place of Vault's. */
  readonly answer?: (request: FrontRequest) => { status: number; headers?: Record<string, string> } | undefined
}

/** A listener in front of Vault that records requests: with TLS, with client certificates, or on a Unix socket. */
export async function vaultFront(vaultAddr: string, options: FrontOptions = {}): Promise<VaultFront> {
  const { tls, clientCa, socket, answer, change = headers => headers, answerHeaders } = options
  const requests: FrontRequest[] = []
  const sockets = new Set<Socket>()
  const mutual = clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: clientCa }
  const server: Server & ReturnType<typeof createServer> = tls
    ? createSecureServer({ ...tls, ...mutual })
    : createServer()
  server.on('request', (incoming, response) => {
    const { method = '', url = '', headers } = incoming
    const { servername } = incoming.socket as TLSSocket
    const seen = { method, path: url, headers, servername: servername || undefined }
    requests.push(seen)
    const own = answer?.(seen)
    if (own) return void response.writeHead(own.status, own.headers).end('{"errors":[]}')
    const onward = request(`${vaultAddr}${url}`, { method, headers: change(headers), agent: false }, reply => {
      response.writeHead(reply.statusCode ?? 502, { ...reply.headers, ...answerHeaders })
      reply.pipe(response)
    })
    onward.on('error', () => incoming.socket.destroy())
    incoming.pipe(onward)
  })
  server.on('connection', opened => {
    sockets.add(opened)
    opened.on('close', () => sockets.delete(opened))
  })
  const close = () => {
    server.close()
    for (const opened of sockets) opened.destroy()
  }
  if (socket === undefined) return { port: await listen(server), requests, close }
  await new Promise<void>(resolve => server.listen(socket, resolve))
  return { port: undefined, requests, close }
}

export interface ForwardProxy {
  readonly addr: string
  /** Each request as `CONNECT host:port` or `METHOD URL`, and the value of Proxy-Authorization. */
  readonly seen: readonly { readonly line: string; readonly authorization: string | undefined }[]
  close(): void
}

/**
 * A forward proxy that connects every host to the same port of this machine. `login`: the Proxy-Authorization that it
 * requires. `silent`: accepts connections and never answers.
 */
export async function forwardProxy(
  to: () => number | undefined,
  { login, silent = false, tls }: { login?: string; silent?: boolean; tls?: Certificate } = {},
): Promise<ForwardProxy> {
  const seen: { line: string; authorization: string | undefined }[] = []
  const refuses = (headers: IncomingHttpHeaders) => login !== undefined && headers['proxy-authorization'] !== login
  const server: ReturnType<typeof createServer> = tls ? createSecureServer(tls) : createServer()
  server.on('request', (incoming, response) => {
    const { method = '', url = '', headers } = incoming
    seen.push({ line: `${method} ${url}`, authorization: headers['proxy-authorization'] })
    if (silent) return
    if (refuses(headers)) return void response.writeHead(407).end()
    const { pathname, search } = new URL(url)
    const { 'proxy-authorization': _, ...rest } = headers
    const options = { port: to(), host: '127.0.0.1', path: pathname + search, method, headers: rest, agent: false }
    const onward = request(options, reply => {
      response.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(response)
    })
    onward.on('error', () => incoming.socket.destroy())
    incoming.pipe(onward)
  })
  const sockets = new Set<Socket>()
  server.on('connect', ({ url = '', headers }, client: Socket) => {
    seen.push({ line: `CONNECT ${url}`, authorization: headers['proxy-authorization'] })
    if (silent) return
    if (refuses(headers)) return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const onward = connect(to() ?? 0, '127.0.0.1', () => client.write('HTTP/1.1 200 Connection established\r\n\r\n'))
    for (const [one, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      one.pipe(other)
      one.on('error', () => other.destroy())
    }
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const port = await listen(server)
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { addr: `127.0.0.1:${port}`, seen, close }
}
