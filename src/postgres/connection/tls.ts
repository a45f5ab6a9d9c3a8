import { existsSync, readdirSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type ConnectionOptions, createSecureContext, rootCertificates, type SecureVersion } from 'node:tls'
import { invalid } from '../../domain/errors.ts'
import { caCertificatesProblem } from '../../lib/ca-certificates.ts'
import { describeReadError } from '../../lib/files/describe-read-error.ts'
import { readRegularFile } from '../../lib/files/read-regular-file.ts'
import { clientCertificate } from './client-certificate.ts'
import type { ConnectionSettings, TlsParameters } from './settings.ts'

/**
 * The options of Node's `tls.connect` for the parameters, as in libpq. A root certificate, given or in ~/.postgresql,
 * makes every mode verify the server's certificate; only verify-full also checks its name. Throws `invalid` if a file
 * is missing or not what it should be. Source: PostgreSQL documentation, "SSL Support".
 */
export function postgresTlsOptions({ tls, host }: ConnectionSettings): ConnectionOptions {
  const roots = findRoots(tls)
  const verifies = roots !== undefined || tls.mode === 'verify-full'
  const context = {
    ...(roots !== undefined && roots !== NODE_ROOTS && { ca: roots }),
    ...(verifies && { crl: revocationLists(tls) }),
    ...clientCertificate(tls),
    ...versions(tls),
  }
  return {
    secureContext: secureContext(context),
    rejectUnauthorized: verifies,
    host,
    ...(tls.sendName && isIP(host) === 0 && { servername: host }), // RFC 6066 allows names only
    ...(tls.startsDirectly && { ALPNProtocols: ['postgresql'] }),
    ...(tls.mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  }
}

const NODE_ROOTS = 'roots of Node'

/** The CA certificates to verify the server with; undefined if it is not verified. */
function findRoots({ mode, rootCertificate, systemRoots, folder }: TlsParameters): string | string[] | undefined {
  if (rootCertificate === 'system') return readSystemRoots(systemRoots)
  const path = rootCertificate ?? join(folder, 'root.crt')
  if (rootCertificate !== undefined || existsSync(path)) return readCertificates(path, 'sslrootcert')
  if (mode === 'verify-full') return NODE_ROOTS
  if (mode !== 'verify-ca') return undefined
  // Otherwise any certificate of a public authority would be accepted, for any host. libpq refuses this too.
  throw fileProblem('sslrootcert', `is needed for sslmode verify-ca, because ${path} does not exist`)
}

const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/**
 * The authorities that the operating system trusts. Node has its own list, without those that an administrator added.
 */
function readSystemRoots(named: string | undefined): string | string[] {
  const path = named ?? SYSTEM_BUNDLES.find(each => existsSync(each))
  return path === undefined ? [...rootCertificates] : readCertificates(path, 'sslrootcert')
}

function readCertificates(path: string, field: string): string {
  const text = readFile(path, field)
  const problem = caCertificatesProblem(text)
  if (problem !== undefined) throw fileProblem(field, `${path} ${problem}`)
  return text
}

function revocationLists({ revocationList, revocationFolder, folder }: TlsParameters): string[] | undefined {
  const path = revocationList ?? join(folder, 'root.crl')
  const files = revocationList !== undefined || existsSync(path) ? [path] : []
  const inFolder = revocationFolder === undefined ? [] : listRevocations(revocationFolder)
  const texts = [...files, ...inFolder].map(file => readFile(file, 'sslcrl'))
  if (texts.some(text => !/-----BEGIN X509 CRL-----/.test(text))) {
    throw fileProblem('sslcrl', 'holds no list of revoked certificates in PEM')
  }
  return texts.length ? texts : undefined
}

/** OpenSSL expects file names with the hash of the authority: `5ed36f99.r0`. */
function listRevocations(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter(name => /\.r\d+$/.test(name))
    return names.map(name => join(folder, name))
  } catch (error) {
    throw fileProblem('sslcrldir', `${folder} ${describeReadError(error)}`)
  }
}

function versions({ minVersion, maxVersion }: TlsParameters) {
  return {
    ...(minVersion !== undefined && { minVersion: secureVersion(minVersion) }),
    ...(maxVersion !== undefined && { maxVersion: secureVersion(maxVersion) }),
    // OpenSSL permits the old versions only without its check of algorithms. libpq needs a change of openssl.cnf
    // instead.
    ...(/^TLSv1(\.1)?$/i.test(minVersion ?? '') && { ciphers: 'DEFAULT@SECLEVEL=0' }),
  }
}

/** libpq ignores the case. */
function secureVersion(version: string): SecureVersion {
  return version.toLowerCase().replace('tls', 'TLS') as SecureVersion
}

function secureContext(options: Parameters<typeof createSecureContext>[0]) {
  try {
    return createSecureContext(options)
  } catch (error) {
    const { code } = error as { code?: unknown }
    const problem =
      code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' ? 'is not the key of sslcert' : `is not usable (${code})`
    throw fileProblem('sslkey', problem)
  }
}

function readFile(path: string, field: string): string {
  try {
    return readRegularFile(path)
  } catch (error) {
    throw fileProblem(field, `${path} ${describeReadError(error)}`)
  }
}

function fileProblem(field: string, message: string) {
  return invalid('A certificate file for Postgres cannot be used.', [{ field, message }])
}
