/** An error message of Postgres. */
export interface ServerError {
  readonly code: string
  readonly message: string
}

export type LoginFailureKind =
  | 'password'
  | 'no pg_hba.conf entry'
  | 'rejected by pg_hba.conf'
  | 'client certificate required'
  | 'client certificate rejected'
  | 'no LOGIN attribute'
  | 'no such role'
  | 'operating system user'
  | 'other'

export interface LoginFailure {
  readonly kind: LoginFailureKind
  /** The problem, to print after the server's name: `rejected the password of user app`. */
  readonly problem: string
  /** Whether the server reports that the connection was not encrypted. */
  readonly withoutTls: boolean
}

/**
 * Explains why Postgres rejected a login; undefined if the error is another one. Only the message tells the reasons for
 * 28000 apart; if it is in another language, the kind is `other`.
 * Source: PostgreSQL, src/backend/libpq/auth.c and utils/init/miscinit.c.
 */
export function explainLoginFailure({ code, message }: ServerError, user: string): LoginFailure | undefined {
  if (code === '28P01') return { kind: 'password', problem: rejectedPassword(user), withoutTls: false }
  if (code !== '28000') return undefined
  const withoutTls = /, (no encryption|SSL off)$/.test(message)
  const [, kind, describe] = KINDS.find(([pattern]) => pattern.test(message)) ?? OTHER
  return { kind, problem: describe(user, `${describeClient(message)}${withoutTls ? ' without TLS' : ''}`), withoutTls }
}

function rejectedPassword(user: string): string {
  return `rejected the password of user ${user}, or has no such user`
}

type Kind = readonly [pattern: RegExp, kind: LoginFailureKind, describe: (user: string, from: string) => string]

const OTHER: Kind = [/^/, 'other', user => `does not allow user ${user} to log in`]

const KINDS: readonly Kind[] = [
  [
    /^no pg_hba\.conf entry/,
    'no pg_hba.conf entry',
    (user, from) => `has no entry in pg_hba.conf for user ${user}${from}`,
  ],
  [
    /^pg_hba\.conf rejects/,
    'rejected by pg_hba.conf',
    (user, from) => `rejects user ${user}${from} because of an entry in pg_hba.conf`,
  ],
  [
    /requires a valid client certificate/,
    'client certificate required',
    user => `requires a client certificate from user ${user}`,
  ],
  [
    /^certificate authentication failed/,
    'client certificate rejected',
    user => `does not accept the client certificate for user ${user}`,
  ],
  [
    /is not permitted to log in/,
    'no LOGIN attribute',
    user => `does not allow user ${user} to log in: the role lacks the LOGIN attribute`,
  ],
  [/^role .* does not exist/s, 'no such role', user => `has no role ${user}`],
  [
    /^(Peer|Ident) authentication failed/,
    'operating system user',
    user => `does not accept the operating system’s user as user ${user}`,
  ],
]

/** The client as the server sees it: ` from 10.1.2.3`. */
function describeClient(message: string): string {
  const [, host] = /\bhost "([\w.:%-]+)"/.exec(message) ?? []
  return host === undefined ? '' : ` from ${host}`
}

/** Whether an error code is an SQLSTATE. Some codes of Node, such as EPIPE, have the same length. */
export function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)
}
