import { explainLoginFailure } from '../lib/postgres-login-failure.ts'
import { InvalidPostgresMessage } from '../lib/postgres-messages/invalid-message.ts'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type TestRun, text } from './driver.ts'
import { findTlsFailure, TRUST_BY_FIELD } from './tls.ts'

/** Explains an error by its SQLSTATE. Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes". */
export function pgFailure(run: TestRun, error: unknown): ConnectionFailure {
  if (error instanceof InvalidPostgresMessage) return new ConnectionFailure('failed', error.message)
  const code = errorCode(error)
  const user = text(run.credentials, 'username')
  const database = text(run.credentials, 'default_database')
  const login = explainLoginFailure({ code, message: error instanceof Error ? error.message : '' }, user)
  if (login) {
    run.enterStage('authenticate')
    return new ConnectionFailure('auth_failed', `The server ${login.problem}.`)
  }
  switch (code) {
    case '3D000':
      return new ConnectionFailure('database_not_found', `The server has no database ${database}.`)
    case '42501':
      return new ConnectionFailure('permission_denied', `${user} lacks a privilege on the database ${database}.`)
    case '53300':
      return new ConnectionFailure('failed', 'The server has too many connections.')
    case '57P03':
      return new ConnectionFailure('failed', 'The server is starting up or shutting down.')
  }
  const tls = findTlsFailure(error, { host: text(run.credentials, 'host'), trust: TRUST_BY_FIELD })
  if (tls) {
    run.enterStage('tls')
    return tls
  }
  const problem = code === '' ? 'closed the connection, or is not a Postgres server' : 'returned an error'
  return new ConnectionFailure('failed', `The server ${problem}${codeSuffix(code)}.`)
}
