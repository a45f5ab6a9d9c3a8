import { DsctlError, UnavailableError } from '../../domain/errors.ts'
import {
  explainLoginFailure,
  isSqlState,
  type LoginFailure,
  type LoginFailureKind,
} from '../../lib/postgres-login-failure.ts'
import { InvalidPostgresMessage } from '../../lib/postgres-messages/invalid-message.ts'
import { explainTlsFailure, type TlsCause } from '../../lib/tls-failure.ts'
import { ConnectFailed } from './client.ts'
import { INVALID_MESSAGE_HINT, readError } from './failure.ts'
import { TlsNotStarted } from './open-stream.ts'
import { findPassword } from './password-file.ts'
import { type ConnectionSettings, describeTarget } from './settings.ts'

/** The error for a failed connection attempt. No statement was sent. */
export function connectFailure(error: unknown, settings: ConnectionSettings): Error {
  const cause = error instanceof ConnectFailed ? error.cause : error
  if (cause instanceof DsctlError) return cause
  const { code = '', message } = readError(cause)
  const target = describeTarget(settings)
  const login = explainLoginFailure({ code, message }, settings.user)
  if (login) return loginError(`Postgres at ${target} ${login.problem}.`, login, settings)
  if (code === '3D000') {
    return new DsctlError('invalid', `Postgres at ${target} has no such database.`, {
      hint: 'Check database.url. Run dsctl config list to see its value and source.',
    })
  }
  if (code === '42501') {
    return new DsctlError('forbidden', `Postgres at ${target}: ${message}.`, {
      hint: `Ask the owner of the database to run: GRANT CONNECT ON DATABASE … TO ${settings.user}.`,
    })
  }
  const tls = explainTlsFailure(cause instanceof TlsNotStarted ? cause.cause : cause, settings.host)
  if (tls) return unreachable(target, tls.reason, TLS_HINTS[tls.cause])
  if (cause instanceof InvalidPostgresMessage) {
    return unreachable(target, `it sent ${cause.what}, or is not a Postgres server`, INVALID_MESSAGE_HINT)
  }
  return unreachable(target, unreachableReason(cause, code, message))
}

function unreachable(target: string, reason: string, hint = REACH_HINT): UnavailableError {
  return new UnavailableError('no', `Postgres at ${target} cannot be reached: ${reason}.`, { hint })
}

const REACH_HINT = 'Check that Postgres is running and that database.url is correct. Run dsctl config list to see it.'

const TLS_HINTS: Readonly<Partial<Record<TlsCause, string>>> = {
  'unknown authority': 'Set sslrootcert or PGSSLROOTCERT to the file with the certificate of its authority.',
  'wrong host': 'Connect with a host name of the certificate; hostaddr can hold the address. Or set sslmode=verify-ca.',
  'out of date': 'Ask its administrator to renew the certificate, and check the clock of this machine.',
  'client certificate required': 'Set sslcert and sslkey, or PGSSLCERT and PGSSLKEY.',
  'client certificate rejected': 'Check sslcert: the server must know its authority.',
  'no common version': 'Check ssl_min_protocol_version and ssl_max_protocol_version.',
  'unusable files': 'Check sslcrl and sslcrldir.',
}

const LOGIN_HINTS: Readonly<Partial<Record<LoginFailureKind, string>>> = {
  'rejected by pg_hba.conf': 'Ask its administrator for an entry in pg_hba.conf, or set PGUSER to another user.',
  'client certificate required': 'Set sslcert and sslkey, or PGSSLCERT and PGSSLKEY, to files with a certificate.',
  'client certificate rejected': 'Its common name must be the user, or an entry in pg_ident.conf must map it.',
  'no such role': 'Set PGUSER, or write the user into database.url.',
  'operating system user': 'Set PGUSER to the name of your system user, or connect to a host instead of a socket.',
}

function loginError(message: string, failure: LoginFailure, settings: ConnectionSettings): DsctlError {
  return new DsctlError('unauthenticated', message, { hint: loginHint(failure, settings) })
}

function loginHint({ kind, withoutTls }: LoginFailure, settings: ConnectionSettings): string {
  if (kind === 'password') return passwordHint(settings)
  if (kind === 'no LOGIN attribute') return `Ask its administrator to run: ALTER ROLE ${settings.user} LOGIN.`
  const entry = `Ask its administrator for an entry in pg_hba.conf for user ${settings.user}.`
  return (
    LOGIN_HINTS[kind] ?? (withoutTls && settings.tls.mode === 'disable' ? `Remove sslmode=disable. ${entry}` : entry)
  )
}

function passwordHint(settings: ConnectionSettings): string {
  const found = settings.password === undefined ? findPassword(settings) : undefined
  return found && 'password' in found
    ? `The password comes from ${settings.passfile}. Correct it there, or set PGUSER and PGPASSWORD.`
    : 'Set PGUSER and PGPASSWORD, or add the database to ~/.pgpass.'
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'the host name could not be resolved',
  ETIMEDOUT: 'the connection timed out',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOENT: 'there is no socket in that folder',
  EACCES: 'you do not have permission to use its socket',
  '53300': 'too many connections',
  '57P01': 'it is shutting down',
  '57P03': 'it is starting up or shutting down',
}

function unreachableReason(cause: unknown, code: string, message: string): string {
  if (cause instanceof TlsNotStarted) {
    const { code: inner = '' } = readError(cause.cause)
    return cause.reason ?? REASONS[inner] ?? 'it closed the connection during the TLS handshake'
  }
  if (REASONS[code]) return REASONS[code]
  if (/timeout/i.test(message)) return 'the connection timed out'
  if (/terminated unexpectedly|invalid packet/.test(message)) {
    return 'it closed the connection, or is not a Postgres server'
  }
  if (isSqlState(code)) return `the server or a connection pooler returned error ${code}`
  if (/^SASL/.test(message)) return 'it did not complete the SCRAM login'
  return code || 'the connection failed'
}
