import { Agent, request as httpRequest, type RequestOptions } from 'node:http'
import { isIP } from 'node:net'
import { isLoopback } from '../lib/loopback.ts'
import type { HttpProxy, Sender } from './sender.ts'
import type { ServerAddress } from './server-address.ts'

/** How to connect to Vault. Certificates and keys are PEM texts. */
export interface ConnectionOptions {
  readonly tls?: TlsOptions | undefined
  /** Path of the Unix socket that the address names. */
  readonly socketPath?: string | undefined
  /** The proxy for a server. Undefined if no server has one. */
  readonly proxyFor?:
    | ((server: { isSecure: boolean; hostname: string; port: number }) => HttpProxy | undefined)
    | undefined
}

export interface TlsOptions {
  readonly ca?: string
  readonly serverName?: string
  readonly client?: { readonly cert: string; readonly key: string }
  /** For addresses of this machine: any certificate is accepted. */
  readonly skipVerifyOnLoopback?: true
}

/** Keep-alive connections to Vault. Loads only the modules that are used. */
export function openConnections({ tls, proxyFor }: ConnectionOptions) {
  const plain: Sender = { request: httpRequest, agent: new Agent({ keepAlive: true }) }
  const opened = new Map<string, Promise<Sender>>()
  const open = (key: string, create: () => Promise<Sender>) => {
    const sender = opened.get(key) ?? create()
    opened.set(key, sender)
    return sender
  }
  const senderFor = (server: ServerAddress): Sender | Promise<Sender> => {
    const { isSecure, hostname, socketPath } = server
    const proxy = socketPath === undefined ? proxyFor?.({ isSecure, hostname, port: portOf(server) }) : undefined
    if (!isSecure && !proxy) return plain
    const isOwnMachine = isLoopback(hostname)
    // Through a tunnel, Node checks the certificate for a server name that is sent, and an address never is.
    const certificateName = tls?.serverName ?? (proxy && isIP(hostname) ? hostname : undefined)
    return open(`${isSecure} ${isOwnMachine} ${proxy?.url} ${certificateName}`, async () => {
      const named = { ...tls, ...(certificateName !== undefined && { serverName: certificateName }) }
      const options = isSecure && (tls || certificateName) ? await tlsRequestOptions(named, isOwnMachine) : {}
      if (!proxy) return { ...(await createSecureSender(options)), certificateName }
      const { createProxySender } = await import('./proxy-sender.ts')
      return { ...(await createProxySender({ proxy, isSecure, options, ca: tls?.ca })), certificateName }
    })
  }
  const close = () => {
    plain.agent.destroy()
    // The request has already reported a failure to open a connection.
    for (const sender of opened.values()) sender.then(closeSender).catch(() => {})
  }
  return { senderFor, close }
}

function closeSender({ agent, abort }: Sender): void {
  agent.destroy()
  abort?.()
}

function portOf({ isSecure, port }: ServerAddress): number {
  return Number(port) || (isSecure ? 443 : 80)
}

// node:https is imported lazily: loading it takes longer than a request.
async function createSecureSender(options: RequestOptions): Promise<Sender> {
  const { Agent, request } = await import('node:https')
  return { request, agent: new Agent({ keepAlive: true }), options }
}

/** NODE_DEBUG prints the options, so the private key is in a context, which hides it. */
async function tlsRequestOptions(tls: TlsOptions, isOwnMachine: boolean): Promise<RequestOptions> {
  const { checkServerIdentity, createSecureContext } = await import('node:tls')
  const { ca, client, serverName, skipVerifyOnLoopback } = tls
  const options = {
    ...((ca !== undefined || client) && { secureContext: createSecureContext({ ca, ...client }) }),
    ...(serverName !== undefined && !isIP(serverName) && { servername: serverName }),
    // TLS does not allow an IP address as a server name, but a certificate may have been issued for one.
    ...(serverName !== undefined &&
      isIP(serverName) && {
        servername: '',
        checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
          checkServerIdentity(serverName, certificate),
      }),
    ...(skipVerifyOnLoopback && isOwnMachine && { rejectUnauthorized: false }),
  }
  return options as RequestOptions
}
