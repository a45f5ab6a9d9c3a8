/** Why a TLS handshake failed. Failures that need the same remedy have the same cause. */
export type TlsCause =
  | 'unknown authority'
  | 'wrong host'
  | 'out of date'
  | 'certificate unusable'
  | 'client certificate required'
  | 'client certificate rejected'
  | 'no common version'
  | 'not TLS'
  | 'unusable files'
  | 'other'

export interface TlsFailure {
  readonly cause: TlsCause
  /** A clause without a capital or a full stop: `the server's certificate has expired`. */
  readonly reason: string
}

/**
 * Explains an error of a TLS handshake; undefined if the error has another cause. `host` is the name that the
 * certificate was checked for. The reason contains no text of the error, except names in the server's certificate.
 * Sources: OpenSSL, verify(1) and sslerr.h; RFC 8446, section 6.2, for the alerts.
 */
export function explainTlsFailure(error: unknown, host: string): TlsFailure | undefined {
  const { code, names } = readTlsError(error)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return { cause: 'wrong host', reason: wrongHost(host, names) }
  const known = CAUSES.find(([pattern]) => pattern.test(code))
  if (known) return { cause: known[1], reason: known[2] }
  return /^(ERR_SSL_|ERR_OSSL_|ERR_TLS_|EPROTO$)/.test(code)
    ? { cause: 'other', reason: `the TLS handshake failed (${code})` }
    : undefined
}

/** The reason of a failure as a sentence. */
export function tlsFailureSentence({ reason }: TlsFailure): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`
}

const CAUSES: readonly (readonly [RegExp, TlsCause, string])[] = [
  [/^DEPTH_ZERO_SELF_SIGNED_CERT$/, 'unknown authority', 'the server’s certificate is self-signed and not trusted'],
  [
    /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE)$/,
    'unknown authority',
    'the server’s certificate is signed by an unknown authority',
  ],
  [/^CERT_HAS_EXPIRED$/, 'out of date', 'the server’s certificate has expired'],
  [/^CERT_NOT_YET_VALID$/, 'out of date', 'the server’s certificate is not valid yet'],
  [/^CERT_REVOKED$/, 'certificate unusable', 'the server’s certificate is revoked'],
  [/^CRL_HAS_EXPIRED$/, 'unusable files', 'the list of revoked certificates has expired'],
  [/^UNABLE_TO_GET_CRL$/, 'unusable files', 'there is no list of revoked certificates for the server’s authority'],
  [/^CRL_/, 'unusable files', 'the list of revoked certificates is not valid'],
  [
    /^(INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED|CERT_(REJECTED|CHAIN_TOO_LONG)|ERROR_IN_CERT_.*)$/,
    'certificate unusable',
    'the server’s certificate, or that of its authority, is not valid for this use',
  ],
  [
    /^ERR_(SSL|TLS)_(EE_KEY_TOO_SMALL|CA_KEY_TOO_SMALL|CA_MD_TOO_WEAK|EE_MD_TOO_WEAK|DH_KEY_TOO_SMALL)$/,
    'certificate unusable',
    'the server’s certificate or key is too weak for OpenSSL',
  ],
  // 116 is the alert of TLS 1.3. TLS 1.2 has no such alert: servers send handshake_failure or bad_certificate.
  [/ALERT_CERTIFICATE_REQUIRED$/, 'client certificate required', 'the server requires a client certificate'],
  [
    /ALERT_HANDSHAKE_FAILURE$/,
    'client certificate required',
    'the server refused the TLS handshake: it requires a client certificate, or supports none of the same ciphers',
  ],
  [
    /ALERT_(BAD|UNSUPPORTED)_CERTIFICATE$|ALERT_CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN)$|ALERT_UNKNOWN_CA$|ALERT_ACCESS_DENIED$/,
    'client certificate rejected',
    'the server rejected the client certificate',
  ],
  [/ALERT_NO_APPLICATION_PROTOCOL$/, 'other', 'the server rejected the protocol in the TLS handshake'],
  [/ALERT_UNRECOGNIZED_NAME$/, 'wrong host', 'the server does not know the host name that was sent to it'],
  [
    /^ERR_SSL_(TLSV1_ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|VERSION_TOO_(LOW|HIGH))$/,
    'no common version',
    'the server supports none of the TLS versions that are allowed',
  ],
  [
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE|RECORD_LAYER_FAILURE)$/,
    'not TLS',
    'the server does not speak TLS on this port',
  ],
]

function wrongHost(host: string, names: readonly string[]): string {
  const known = names.length ? `for ${names.slice(0, MAX_NAMES).join(', ')}` : 'without a host name'
  return `the server’s certificate is ${known}${names.length > MAX_NAMES ? ', …' : ''}, not for ${host}`
}

const MAX_NAMES = 3

interface TlsError {
  readonly code: string
  readonly names: readonly string[]
}

/** Drivers wrap the error of Node. */
function readTlsError(error: unknown): TlsError {
  for (let current: unknown = error, depth = 0; isObject(current) && depth < 5; depth++) {
    const { code, cause, errors, cert, message } = current
    // Since OpenSSL 3.5 a reason may have a slash: `ssl/tls alert handshake failure`.
    const reason = /:SSL routines:[^:]*:([A-Za-z0-9 /]+)/.exec(String(message))?.[1]
    // Node's usual code for this reason. Some errors of sockets and of mysql2 have a different code.
    if (reason !== undefined) return { code: `ERR_SSL_${reason.toUpperCase().replaceAll(/[ /]/g, '_')}`, names: [] }
    const isInner = typeof code === 'string' && code !== 'ESOCKET' // tedious gives this code to an error that it wraps
    if (isInner) return { code, names: certificateNames(cert) }
    current = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
  return { code: '', names: [] }
}

/** The host names in a certificate. Anything that does not look like one is left out. */
function certificateNames(certificate: unknown): readonly string[] {
  if (!isObject(certificate)) return []
  const { subjectaltname, subject } = certificate
  const alternatives = typeof subjectaltname === 'string' ? subjectaltname.split(', ') : []
  const names = alternatives.flatMap(text => /^(?:DNS|IP Address):(.+)$/.exec(text)?.[1] ?? [])
  const common = isObject(subject) && typeof subject.CN === 'string' ? [subject.CN] : []
  return (names.length ? names : common).filter(name => /^[\w.*:-]{1,253}$/.test(name))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
