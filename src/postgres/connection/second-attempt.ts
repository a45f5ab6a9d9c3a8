import { DsctlError } from '../../domain/errors.ts'
import { ConnectFailed } from './client.ts'
import type { Encryption } from './encryption.ts'
import { readError } from './failure.ts'
import { TlsNotStarted } from './open-stream.ts'
import type { ConnectionSettings } from './settings.ts'

/**
 * Whether `allow` and `prefer` make their second attempt: if the first was refused by an error message during the
 * login, whatever its code, or if TLS could not be started. As in libpq, the first attempt may have sent the password.
 * Source: PostgreSQL, src/interfaces/libpq/fe-connect.c.
 */
export function allowsSecondAttempt(
  error: unknown,
  first: Encryption | undefined,
  { tls }: ConnectionSettings,
): boolean {
  if (error instanceof TlsNotStarted) return true
  if (!(error instanceof ConnectFailed)) return false
  // Without sslmode, libpq would have tried TLS first, which may need no password, or have the channel binding.
  if (tls.mode === undefined && first === 'plain') return error.refused || error.cause instanceof DsctlError
  if (!error.refused) return false
  return error.encrypted === (first === 'tls')
}

/** The more helpful error of the two attempts: a wrong password, or else the error of the attempt with TLS. */
export function betterError(first: unknown, second: unknown): unknown {
  if (isWrongPassword(second)) return second
  if (isWrongPassword(first)) return first
  return isAboutTls(first) ? first : second
}

function isWrongPassword(error: unknown): boolean {
  return error instanceof ConnectFailed && readError(error.cause).code === '28P01'
}

function isAboutTls(error: unknown): boolean {
  return error instanceof TlsNotStarted || (error instanceof ConnectFailed && error.encrypted)
}
