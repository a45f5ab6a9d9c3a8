import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { caCertificatesProblem } from '../lib/ca-certificates.ts'
import { startTls } from '../lib/start-tls.ts'
import { explainTlsFailure, type TlsCause, tlsFailureSentence } from '../lib/tls-failure.ts'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { optionalText, type TestRun } from './driver.ts'

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
    ...checkedCa(ca),
    ...(!verify.name && { checkServerIdentity: () => undefined }),
  }
}

/** A server to connect to over TLS. */
export interface TlsServer {
  readonly host: string
  /** Advice on how to trust the authority of the server's certificate. */
  readonly trust: string
}

export const TRUST_BY_FIELD = 'Set ssl_ca to its CA certificate, or NODE_EXTRA_CA_CERTS to a file with it.'
export const TRUST_BY_NODE = 'Set NODE_EXTRA_CA_CERTS to a file with its CA certificate.'

/** Starts TLS on an open connection. Throws ConnectionFailure. */
export async function encrypt(stream: Duplex, server: TlsServer, options: ConnectionOptions): Promise<TLSSocket> {
  const { host } = server
  const name = isIP(host) ? {} : { servername: host }
  try {
    return await startTls(stream, { host, ...name, ...options })
  } catch (error) {
    const reason = error === undefined ? ': the server closed the connection' : codeSuffix(errorCode(error))
    throw findTlsFailure(error, server) ?? new ConnectionFailure('tls_failed', `The TLS handshake failed${reason}.`)
  }
}

export function tlsNotSupported(): ConnectionFailure {
  return new ConnectionFailure('tls_failed', 'The server does not support TLS, but ssl_mode requires it.')
}

/** The failure for an error of TLS. Undefined if the error has another cause. */
export function findTlsFailure(error: unknown, { host, trust }: TlsServer): ConnectionFailure | undefined {
  const failure = explainTlsFailure(error, host)
  if (!failure) return undefined
  const advice = failure.cause === 'unknown authority' ? trust : ADVICE[failure.cause]
  return new ConnectionFailure('tls_failed', `${tlsFailureSentence(failure)}${advice ? ` ${advice}` : ''}`)
}

const NO_CLIENT_CERTIFICATE = 'dsctl test presents no client certificate.'
const ADVICE: Readonly<Partial<Record<TlsCause, string>>> = {
  'wrong host': 'Check host.',
  'client certificate required': NO_CLIENT_CERTIFICATE,
  'client certificate rejected': NO_CLIENT_CERTIFICATE,
  'not TLS': 'Check port.',
}

/** Checks `ssl_ca`, because Node ignores anything in it that is not a certificate. Throws ConnectionFailure. */
export function checkedCa(ca: string | undefined): { ca?: string } {
  const problem = ca === undefined ? undefined : caCertificatesProblem(ca)
  if (problem !== undefined) throw new ConnectionFailure('tls_failed', `ssl_ca ${problem}.`)
  return ca === undefined ? {} : { ca }
}
