import { createPrivateKey } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { platform } from 'node:os'
import { join } from 'node:path'
import { invalid } from '../../domain/errors.ts'
import { caCertificatesProblem } from '../../lib/ca-certificates.ts'
import { describeReadError } from '../../lib/files/describe-read-error.ts'
import { readRegularFile } from '../../lib/files/read-regular-file.ts'
import type { TlsParameters } from './settings.ts'

export interface ClientCertificate {
  readonly cert: string
  readonly key: string
  readonly passphrase?: string
}

/**
 * The client certificate and its key: sslcert and sslkey, or postgresql.crt and postgresql.key in ~/.postgresql.
 * Undefined if there is none. As in libpq, a key that others can read is refused. Throws `invalid`.
 */
export function clientCertificate(tls: TlsParameters): ClientCertificate | undefined {
  if (tls.certificate === null) return undefined
  const given = tls.certificate.path
  const path = given ?? join(tls.folder, 'postgresql.crt')
  if (given === undefined && !existsSync(path)) return undefined
  const cert = readFile(path, 'sslcert')
  const problem = caCertificatesProblem(cert)
  if (problem !== undefined) throw unusable('sslcert', `${path} ${problem}`)
  const keyPath = tls.key ?? join(tls.folder, 'postgresql.key')
  const key = readKey(keyPath, tls.keyPassword)
  return { cert, key, ...(tls.keyPassword !== undefined && { passphrase: tls.keyPassword }) }
}

function readKey(path: string, password: string | undefined): string {
  const key = readFile(path, 'sslkey')
  if (isOpenToOthers(path)) {
    throw unusable('sslkey', `${path} is not used, because others can read it; run chmod 600 ${path}`)
  }
  try {
    createPrivateKey({ key, ...(password !== undefined && { passphrase: password }) })
    return key
  } catch (error) {
    const { code } = error as { code?: unknown }
    throw password === undefined && code === 'ERR_MISSING_PASSPHRASE'
      ? unusable('sslpassword', `is needed, because ${path} is encrypted; put it into a service file`)
      : unusable(
          'sslkey',
          `${path} holds no private key in PEM${password === undefined ? '' : ', or sslpassword is wrong'}`,
        )
  }
}

/** A key that root owns may be readable by its group, for service accounts. */
function isOpenToOthers(path: string): boolean {
  if (platform() === 'win32') return false
  const { uid, mode } = statSync(path)
  return (mode & (uid === 0 ? 0o037 : 0o077)) !== 0
}

function readFile(path: string, field: string): string {
  try {
    return readRegularFile(path)
  } catch (error) {
    throw unusable(field, `${path} ${describeReadError(error)}`)
  }
}

function unusable(field: string, message: string) {
  return invalid('The client certificate for Postgres cannot be used.', [{ field, message }])
}
