import type { RequestOptions } from 'node:http'
import { isIP } from 'node:net'
import type { HttpProxy, Sender } from './sender.ts'

interface ProxySenderOptions {
  readonly proxy: HttpProxy
  /** Whether the server behind the proxy uses HTTPS, which needs a tunnel (CONNECT). */
  readonly isSecure: boolean
  readonly options: RequestOptions
  /** PEM text. If the proxy uses TLS, its certificate may be from this authority. */
  readonly ca: string | undefined
}

/** Sends requests through a proxy. Loaded only if a proxy applies. */
export async function createProxySender({ proxy, isSecure, options, ca }: ProxySenderOptions): Promise<Sender> {
  const ended = new AbortController()
  const shared = {
    keepAlive: true,
    signal: ended.signal,
    // A function, so that NODE_DEBUG, which prints the agent, does not print the login.
    headers: () => (proxy.authorization === undefined ? {} : { 'Proxy-Authorization': proxy.authorization }),
    ...(await proxyTls(proxy, ca)),
  }
  const abort = () => ended.abort()
  if (isSecure) {
    const [{ request }, { HttpsProxyAgent }] = await Promise.all([import('node:https'), import('https-proxy-agent')])
    return {
      request,
      agent: new HttpsProxyAgent(proxy.url, shared),
      options: { ...options, protocol: 'https:' },
      proxy,
      abort,
    }
  }
  const [{ request }, { HttpProxyAgent }] = await Promise.all([import('node:http'), import('http-proxy-agent')])
  const { hostname } = new URL(proxy.url)
  const servername = isIP(hostname) || hostname.startsWith('[') ? {} : { servername: hostname }
  // Some proxies close the connection after each response without announcing it, so the next request would be lost.
  const agent = new HttpProxyAgent(proxy.url, { ...shared, ...servername, keepAlive: false })
  return { request, agent, options: { protocol: 'http:' }, proxy, abort }
}

async function proxyTls({ url }: HttpProxy, ca: string | undefined): Promise<{ ca?: string[] }> {
  if (ca === undefined || !url.startsWith('https:')) return {}
  const { rootCertificates } = await import('node:tls')
  return { ca: [...rootCertificates, ca] }
}
