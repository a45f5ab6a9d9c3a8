import { UnavailableError } from '../domain/errors.ts'
import { explainTlsFailure, type TlsCause, type TlsFailure } from '../lib/tls-failure.ts'

/** The transport got no response. `delivered` says whether the request may have reached Vault. */
export class NoResponse extends Error {
  readonly delivered: 'no' | 'maybe'
  readonly host: string
  /** Node's error code; empty if there is none. */
  readonly code: string
  readonly tls: TlsFailure | undefined

  constructor(
    delivered: 'no' | 'maybe',
    server: { readonly host: string; readonly hostname: string },
    reason: unknown,
  ) {
    super('No response from Vault.')
    this.host = server.host
    const { code, message } = Object(reason) as { code?: unknown; message?: unknown }
    this.code = typeof code === 'string' ? code : message === 'time-out' ? 'ETIMEDOUT' : ''
    this.tls = explainTlsFailure(reason, server.hostname)
    // In TLS 1.3 the server checks the client's certificate after the client has begun to send.
    this.delivered = this.tls?.cause.startsWith('client certificate') ? 'no' : delivered
  }
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
}

const TLS_HINTS: Readonly<Partial<Record<TlsCause, string>>> = {
  'unknown authority': 'Set VAULT_CACERT to the file of its CA certificate.',
  'wrong host': 'Set VAULT_ADDR to a name in the certificate.',
  'out of date': 'Renew the certificate, or correct the clock of this machine.',
  'client certificate required': 'dsctl presents no certificate to Vault. Use a listener that does not require one.',
  'client certificate rejected': 'dsctl presents no certificate to Vault. Use a listener that does not require one.',
  'not TLS': 'If Vault has no TLS, set VAULT_ADDR to an address with http.',
}

const HINTS: Readonly<Record<string, string | undefined>> = {
  EPROTO: TLS_HINTS['not TLS'],
  ERR_HTTPS_REQUIRED: 'Set VAULT_ADDR to an address with https.',
}

/** The error for a request without a response. */
export function cannotBeReached({ delivered, host, code, tls }: NoResponse): UnavailableError {
  const reason = tls?.reason ?? REASONS[code] ?? (code || 'the connection failed')
  const hint = (tls ? TLS_HINTS[tls.cause] : HINTS[code]) ?? 'Check VAULT_ADDR, and that Vault is running.'
  return new UnavailableError(delivered, `Vault at ${host} cannot be reached: ${reason}.`, { hint })
}
