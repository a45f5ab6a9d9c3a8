import type { ConnectionCode, Stage } from '../ports/connection-test.ts'
import { ConnectionFailure, codeSuffix } from './connection-failure.ts'
import { type TestRun, text } from './driver.ts'

interface Explanation {
  readonly stage?: Stage
  readonly code: ConnectionCode
  /** The error number is appended to it. */
  readonly message: (names: { readonly user: string; readonly database: string }) => string
}

/**
 * The failure for an error number of a MySQL or MariaDB server, if it is known. Source: MySQL Server Error Message
 * Reference; MariaDB documentation, "MariaDB Error Code Reference".
 */
export function explainMysqlError(run: TestRun, errno: number): ConnectionFailure | undefined {
  const explanation = EXPLANATIONS[errno]
  if (!explanation) return undefined
  if (explanation.stage) run.enterStage(explanation.stage)
  const { credentials } = run
  const names = { user: text(credentials, 'username'), database: text(credentials, 'default_database') }
  return new ConnectionFailure(explanation.code, explanation.message(names).replace(/\.$/, `${codeSuffix(errno)}.`))
}

const denied = (message: Explanation['message']): Explanation => ({
  ...{ stage: 'authenticate', code: 'auth_failed', message },
})
const wrongPassword = denied(({ user }) => {
  const others = 'has no such user for this host, or accepts the user only over TLS or with a client certificate'
  return `The server rejected the password of ${user}, ${others}.`
})
const locked = denied(({ user }) => `The account of ${user} is locked. Unlock it: ALTER USER … ACCOUNT UNLOCK.`)
const blocked = denied(({ user }) => {
  return `The account of ${user} is blocked after too many wrong passwords. Unlock it: ALTER USER … ACCOUNT UNLOCK.`
})
const expired = denied(({ user }) => `The password of ${user} has expired. Set a new one with ALTER USER.`)
const oldProtocol = denied(({ user }) => `${user} has a password in an old format. Set it again with ALTER USER.`)
const tooMany: Explanation = {
  ...{ stage: 'authenticate', code: 'failed' },
  message: ({ user }) => `${user} has too many connections, or has reached another limit of the account.`,
}
const tlsRequired: Explanation = {
  ...{ stage: 'tls', code: 'tls_failed' },
  message: () => 'The server requires TLS. Set ssl_mode to require.',
}
const noPrivilege: Explanation = {
  ...{ code: 'permission_denied', message: ({ user }) => `${user} lacks a privilege on the server.` },
}

const EXPLANATIONS: Readonly<Record<number, Explanation>> = {
  1040: { stage: 'authenticate', code: 'failed', message: () => 'The server has too many connections.' },
  1044: {
    ...{ stage: 'database', code: 'permission_denied' },
    message: ({ user, database }) => `The server has no database ${database}, or ${user} has no privilege on it.`,
  },
  1045: wrongPassword,
  1049: {
    ...{ stage: 'database', code: 'database_not_found' },
    message: ({ database }) => `The server has no database ${database}.`,
  },
  1053: { stage: 'authenticate', code: 'failed', message: () => 'The server is shutting down.' },
  1129: {
    ...{ stage: 'authenticate', code: 'permission_denied' },
    message: () => 'The server blocks this host after too many failed connections. Unblock it: FLUSH HOSTS.',
  },
  1130: {
    ...{ stage: 'authenticate', code: 'permission_denied' },
    message: () => 'The server does not allow connections from this host.',
  },
  1142: noPrivilege,
  1203: tooMany,
  1226: tooMany,
  1227: noPrivilege,
  1251: oldProtocol,
  1275: oldProtocol,
  1524: denied(({ user }) => `The server has not loaded the authentication plugin of ${user}.`),
  1698: wrongPassword,
  1820: expired,
  1862: expired,
  3118: locked,
  3159: tlsRequired,
  3955: blocked,
  4150: blocked,
  4151: locked,
}
