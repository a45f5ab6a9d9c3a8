import type { ConnectionOptions } from 'node:tls'
import { invalid } from '../../domain/errors.ts'
import { describeReadError } from '../../lib/files/describe-read-error.ts'
import { readRegularFile } from '../../lib/files/read-regular-file.ts'

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']

interface TlsParameters {
  readonly mode: string | undefined
  readonly rootCertificate: string | undefined
  readonly host: string | undefined
}

/**
 * The TLS options for an sslmode, as in libpq. `prefer`, the default, falls back to no TLS if the server does not
 * support it. `require` does not verify the server unless a root certificate is set. If no mode is set, a connection to
 * a local server does not use TLS.
 * Source: PostgreSQL documentation, "SSL Support", table of modes.
 */
export function postgresTlsOptions({ mode, rootCertificate, host }: TlsParameters): {
  ssl: boolean | ConnectionOptions
  tlsOptional?: boolean
} {
  if (mode === undefined)
    return isLocal(host) ? { ssl: false } : postgresTlsOptions({ mode: 'prefer', rootCertificate, host })
  if (!MODES.includes(mode)) {
    throw invalid('Invalid sslmode for Postgres.', [
      { field: 'sslmode', message: `must be one of ${MODES.join(', ')}` },
    ])
  }
  if (mode === 'disable' || mode === 'allow') return { ssl: false }
  if (mode === 'prefer') return { ssl: { rejectUnauthorized: false }, tlsOptional: true }
  const ca = rootCertificate === undefined ? {} : { ca: readCertificate(rootCertificate) }
  if (mode === 'verify-full') return { ssl: { ...ca, rejectUnauthorized: true } }
  if (mode === 'require' && rootCertificate === undefined) return { ssl: { rejectUnauthorized: false } }
  return { ssl: { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined } }
}

function isLocal(host: string | undefined): boolean {
  return host === undefined || host === '' || /^(\/.*|localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host)
}

function readCertificate(path: string): string {
  try {
    return readRegularFile(path)
  } catch (error) {
    throw invalid('The root certificate for Postgres cannot be read.', [
      { field: 'sslrootcert', message: `${path} ${describeReadError(error)}` },
    ])
  }
}
