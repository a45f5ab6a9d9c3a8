import { UnavailableError } from '../domain/errors.ts'
import { explainTlsFailure, type TlsCause, type TlsFailure } from '../lib/tls-failure.ts'
import type { HttpProxy } from './sender.ts'

/** The transport got no response. `delivered` says whether the request may have reached Vault. */
export class NoResponse extends Error {
  readonly delivered: 'no' | 'maybe'
  readonly host: string
  /**
   * Node's error code, or PROXY_ followed by the status of a proxy that refused the request. Empty if there is none.
   */
  readonly code: string
  readonly tls: TlsFailure | undefined
  readonly proxy: HttpProxy | undefined

  constructor(delivered: 'no' | 'maybe', server: Route, reason: unknown) {
    super('No response from Vault.')
    this.host = server.host
    this.proxy = server.proxy
    const { code, message } = Object(reason) as { code?: unknown; message?: unknown }
    this.code = typeof code === 'string' ? code : message === 'time-out' ? 'ETIMEDOUT' : ''
    this.tls = explainTlsFailure(reason, server.certificateName ?? server.hostname)
    // In TLS 1.3, the server checks the client's certificate only after the client has begun to send.
    this.delivered = this.tls?.cause.startsWith('client certificate') ? 'no' : delivered
  }
}

interface Route {
  readonly host: string
  readonly hostname: string
  /** The name that the certificate must be for, if it is not `hostname`. */
  readonly certificateName?: string | undefined
  readonly proxy?: HttpProxy | undefined
}

/** Thrown if the body of a response is longer than dsctl expects. */
export class ResponseTooLong extends Error {
  readonly code = 'ERR_RESPONSE_TOO_LONG'
}

/** Thrown if a server that speaks HTTPS rejects a request in plain HTTP. */
export class HttpsRequired extends Error {
  readonly code = 'ERR_HTTPS_REQUIRED'
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'the host name could not be resolved',
  ETIMEDOUT: 'it did not answer in time',
  ECONNRESET: 'the connection was reset',
  EPROTO: 'the server does not speak TLS on this port',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP',
  ERR_RESPONSE_TOO_LONG: 'its response is longer than any response of Vault',
  ERR_HTTPS_REQUIRED: 'it requires HTTPS',
  ENOENT: 'the socket does not exist',
  EACCES: 'you do not have permission to use the socket',
  ENOTSOCK: 'the file is not a socket',
  PROXY_407: 'the proxy requires another login (407)',
}

const TLS_HINTS: Readonly<Partial<Record<TlsCause, string>>> = {
  'unknown authority': 'Set VAULT_CACERT to the file of its CA certificate.',
  'wrong host': 'Set VAULT_ADDR or VAULT_TLS_SERVER_NAME to a name in the certificate.',
  'out of date': 'Renew the certificate, or correct the clock of this machine.',
  'client certificate required': 'Set VAULT_CLIENT_CERT and VAULT_CLIENT_KEY to the files of a client certificate.',
  'client certificate rejected': 'Set VAULT_CLIENT_CERT and VAULT_CLIENT_KEY to a certificate that Vault accepts.',
  'not TLS': 'If Vault has no TLS, set VAULT_ADDR to an address with http.',
}

const HINTS: Readonly<Record<string, string | undefined>> = {
  EPROTO: TLS_HINTS['not TLS'],
  ERR_HTTPS_REQUIRED: 'Set VAULT_ADDR to an address with https.',
}

/** The error for a request without a response. */
export function cannotBeReached({ delivered, host, proxy, code, tls }: NoResponse): UnavailableError {
  const refused = /^PROXY_(.*)$/.exec(code)?.[1]
  const unknown = refused ? `the proxy refused the connection (${refused})` : code || 'the connection failed'
  const reason = tls?.reason ?? REASONS[code] ?? unknown
  const known = tls ? TLS_HINTS[tls.cause] : HINTS[code]
  if (proxy) {
    const message = `Vault at ${host} cannot be reached through the proxy ${proxy.url}: ${reason}.`
    return new UnavailableError(delivered, message, { hint: known ?? proxyHint(proxy) })
  }
  return new UnavailableError(delivered, `Vault at ${host} cannot be reached: ${reason}.`, {
    hint: known ?? 'Check VAULT_ADDR, and that Vault is running.',
  })
}

function proxyHint({ variable }: HttpProxy): string {
  return /^(VAULT|BAO)_/.test(variable)
    ? `Check ${variable}, or unset it to connect without the proxy.`
    : `Check ${variable}. To connect without the proxy, add the host to NO_PROXY.`
}
