import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, optionalText, type TestRun } from './test-run.ts'

/** Whether to encrypt, and how far to verify. */
export interface TlsSettings {
  /** `prefer` goes on without where the server has none. */
  readonly wanted: 'no' | 'prefer' | 'yes'
  readonly verify: { readonly certificate: boolean; readonly name: boolean }
  readonly ca: string | undefined
}

/**
 * What `ssl_mode` asks for, as libpq has it: `require` verifies nothing, unless there is an `ssl_ca`. Where it is not
 * set, `prefer`. Source: PostgreSQL documentation, "SSL Support", table of modes.
 */
export function tlsSettings({ credentials }: TestRun): TlsSettings {
  const mode = optionalText(credentials, 'ssl_mode') ?? 'prefer'
  const ca = optionalText(credentials, 'ssl_ca')
  const certificate = mode === 'verify-ca' || mode === 'verify-full' || (mode === 'require' && ca !== undefined)
  const wanted = mode === 'disable' ? 'no' : mode === 'prefer' ? 'prefer' : 'yes'
  return { wanted, verify: { certificate, name: mode === 'verify-full' }, ca }
}

/** For Node and for drivers that take its options. */
export function tlsOptions({ verify, ca }: TlsSettings): ConnectionOptions {
  return {
    rejectUnauthorized: verify.certificate,
    ...(ca !== undefined && { ca }),
    ...(!verify.name && { checkServerIdentity: () => undefined }),
  }
}

/** Encrypts a connection on which the server is ready for it. */
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

/** What is no certificate in `ca` makes Node throw. */
function startTls(fail: (error: unknown) => void, start: () => TLSSocket): TLSSocket | undefined {
  try {
    return start()
  } catch (error) {
    fail(error)
    return undefined
  }
}

/** The server has no TLS, and the source asks for it. */
export function tlsNotSupported(): ConnectionFailure {
  return new ConnectionFailure('tls_failed', 'The server has no TLS, and ssl_mode asks for it.')
}

/** A failed handshake, by Node's code. */
export function tlsFailure(code: string, host: string): ConnectionFailure {
  return new ConnectionFailure('tls_failed', REASONS[code]?.(host) ?? `The TLS handshake failed${codeSuffix(code)}.`)
}

const unknownIssuer = () =>
  'The certificate is signed by nobody that is known here: give its CA certificate as ssl_ca, or in a file that NODE_EXTRA_CA_CERTS names.'

const REASONS: Readonly<Record<string, (host: string) => string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: host => `The certificate is for another name than ${host}.`,
  CERT_HAS_EXPIRED: () => 'The certificate of the server has expired.',
  CERT_NOT_YET_VALID: () => 'The certificate of the server is not valid yet.',
  CERT_REVOKED: () => 'The certificate of the server is revoked.',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownIssuer,
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  ERR_OSSL_PEM_NO_START_LINE: () => 'ssl_ca holds no certificate that can be read.',
  ERR_OSSL_PEM_BAD_BASE64_DECODE: () => 'ssl_ca holds no certificate that can be read.',
}
