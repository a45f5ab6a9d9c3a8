import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, optionalText, type TestRun } from './driver.ts'

/** Whether to encrypt a connection, and what to verify. */
export interface TlsSettings {
  /** `prefer`: use TLS if the server supports it. */
  readonly mode: 'disable' | 'prefer' | 'require'
  readonly verify: { readonly certificate: boolean; readonly name: boolean }
  readonly ca: string | undefined
}

/**
 * The meaning of `ssl_mode` (default: `prefer`), the same as in libpq: `require` verifies the certificate only if
 * `ssl_ca` is set. Source: PostgreSQL documentation, "SSL Support", table of modes.
 */
export function tlsSettings({ credentials }: TestRun): TlsSettings {
  const sslMode = optionalText(credentials, 'ssl_mode') ?? 'prefer'
  const ca = optionalText(credentials, 'ssl_ca')
  const certificate =
    sslMode === 'verify-ca' || sslMode === 'verify-full' || (sslMode === 'require' && ca !== undefined)
  const mode = sslMode === 'disable' || sslMode === 'prefer' ? sslMode : 'require'
  return { mode, verify: { certificate, name: sslMode === 'verify-full' }, ca }
}

/** The settings as options of Node's `tls.connect`. */
export function tlsOptions({ verify, ca }: TlsSettings): ConnectionOptions {
  return {
    rejectUnauthorized: verify.certificate,
    ...(ca !== undefined && { ca }),
    ...(!verify.name && { checkServerIdentity: () => undefined }),
  }
}

/** Starts TLS on an open connection. Throws ConnectionFailure. */
export function encrypt(stream: Duplex, { host }: Address, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const name = isIP(host) ? {} : { servername: host }
    const fail = (error: unknown) => reject(tlsFailure(errorCode(error), host))
    const socket = startTls(fail, () => connect({ socket: stream, host, ...name, ...options }))
    socket?.once('error', fail)
    socket?.once('close', () => fail(undefined))
    socket?.once('secureConnect', () => {
      socket.off('error', fail)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

/** Node throws synchronously if `ca` is not a certificate. */
function startTls(fail: (error: unknown) => void, start: () => TLSSocket): TLSSocket | undefined {
  try {
    return start()
  } catch (error) {
    fail(error)
    return undefined
  }
}

export function tlsNotSupported(): ConnectionFailure {
  return new ConnectionFailure('tls_failed', 'The server does not support TLS, but ssl_mode requires it.')
}

/** A failed TLS handshake, explained by Node's error code. */
export function tlsFailure(code: string, host: string): ConnectionFailure {
  return new ConnectionFailure('tls_failed', REASONS[code]?.(host) ?? `The TLS handshake failed${codeSuffix(code)}.`)
}

const unknownIssuer = () =>
  'The certificate is signed by an unknown authority. Set ssl_ca to its CA certificate, or NODE_EXTRA_CA_CERTS to a file with it.'
const invalidCa = () => 'ssl_ca holds no readable certificate.'

const REASONS: Readonly<Record<string, (host: string) => string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: host => `The certificate is for a name other than ${host}.`,
  CERT_HAS_EXPIRED: () => "The server's certificate has expired.",
  CERT_NOT_YET_VALID: () => "The server's certificate is not valid yet.",
  CERT_REVOKED: () => "The server's certificate is revoked.",
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownIssuer,
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  ERR_OSSL_PEM_NO_START_LINE: invalidCa,
  ERR_OSSL_PEM_BAD_BASE64_DECODE: invalidCa,
}
