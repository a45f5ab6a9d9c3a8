import type { Duplex } from 'node:stream'
import { type Connection, createConnection, type RowDataPacket, type SslOptions } from 'mysql2'
import { readFirstBytes } from '../lib/read-first-bytes.ts'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, serverAddress, type TestRun, text } from './driver.ts'
import { ed25519Plugin } from './mariadb-ed25519.ts'
import { explainMysqlError } from './mysql-errors.ts'
import { checkedCa, findTlsFailure, type TlsSettings, TRUST_BY_FIELD, tlsNotSupported, tlsSettings } from './tls.ts'

const SSL_CAPABILITY = 0x0800

/** Tests servers that speak the MySQL protocol. */
export async function testMysql2(run: TestRun): Promise<string | null> {
  const { credentials } = run
  const address = serverAddress(credentials)
  const stream = await run.open(address)
  const tls = tlsSettings(run)
  const encrypted = await checkGreeting(run, { stream, address, tls })
  // mysql2 gives Node no server name for an IP address; Node then checks the certificate for `_host`.
  if (encrypted) Object.assign(stream, { _host: address.host })
  run.setTimeoutReason('the server did not answer the login')
  if (!encrypted) run.enterStage('authenticate')
  try {
    const connection = await logIn(run, { stream, address, ssl: encrypted ? sslOptions(tls) : undefined })
    run.enterStage('query')
    const [rows] = await connection.promise().query<RowDataPacket[]>('select version() as version')
    return /^[\w.+:~-]+/.exec(String(rows[0]?.version ?? ''))?.[0] ?? null
  } catch (error) {
    throw toFailure(run, address, error)
  }
}

interface Login {
  readonly stream: Duplex
  readonly address: Address
  readonly ssl: SslOptions | undefined
}

async function logIn(run: TestRun, { stream, address, ssl }: Login): Promise<Connection> {
  const { credentials } = run
  const user = text(credentials, 'username')
  const password = text(credentials, 'password')
  const connection = createConnection({
    ...{ ...address, user, password, stream, database: text(credentials, 'default_database') },
    ...{ connectTimeout: run.remainingMs(), ...(ssl && { ssl }) },
    authPlugins: { client_ed25519: ed25519Plugin(password) },
  })
  run.onEnd(() => connection.destroy())
  connection.on('error', () => {}) // the pending login or query rejects with this error
  // mysql2 has no event for the end of the TLS handshake. It reads the user's name next, for the login.
  Object.defineProperty(connection.config, 'user', {
    get: () => {
      run.enterStage('authenticate')
      return user
    },
  })
  await new Promise<void>((resolve, reject) => connection.connect(error => (error ? reject(error) : resolve())))
  return connection
}

interface Greeting {
  readonly stream: Duplex
  readonly address: Address
  readonly tls: TlsSettings
}

/** Reads the server's greeting, which shows whether it supports TLS. Returns whether to use TLS. */
async function checkGreeting(run: TestRun, { stream, address, tls }: Greeting): Promise<boolean> {
  run.enterStage('tls')
  run.setTimeoutReason(
    `${formatAddress(address)} accepted the connection but sent nothing; it may not be a MySQL or MariaDB server`,
  )
  const bytes = await readFirstBytes(stream, { minBytes: 7, putBack: true })
  if (bytes?.[4] === 0xff) throw rejectedAtOnce(run, bytes.readUInt16LE(5))
  if (bytes?.[3] !== 0 || bytes[4] !== 10) {
    const problem = bytes ? 'answered, but not in the MySQL protocol' : 'closed the connection at once'
    throw new ConnectionFailure('failed', `${formatAddress(address)} ${problem}. Check host and port.`)
  }
  // Version, NUL, thread id (4), challenge (8), filler (1), then the lower two bytes of the capabilities.
  const capabilities = bytes.indexOf(0, 5) + 14
  const hasTls = bytes.length >= capabilities + 2 && (bytes.readUInt16LE(capabilities) & SSL_CAPABILITY) !== 0
  if (!hasTls && tls.mode === 'require') throw tlsNotSupported()
  return hasTls && tls.mode !== 'disable'
}

function sslOptions({ verify, ca }: TlsSettings): SslOptions {
  return { rejectUnauthorized: verify.certificate, verifyIdentity: verify.name, ...checkedCa(ca) }
}

function toFailure(run: TestRun, address: Address, error: unknown): ConnectionFailure {
  const { errno } = Object(error) as { errno?: unknown }
  if (error instanceof ConnectionFailure) return error
  const code = errorCode(error)
  if (typeof errno === 'number' && errno > 0) return serverError(run, errno)
  if (code === 'AUTH_SWITCH_PLUGIN_ERROR' || code === 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED')
    return pluginFailure(run, error)
  const tls = findTlsFailure(withNodeCode(error), { host: address.host, trust: TRUST_BY_FIELD })
  if (tls) {
    run.enterStage('tls')
    return tls
  }
  const problem = code === 'PROTOCOL_CONNECTION_LOST' ? 'closed the connection' : 'returned an error'
  return new ConnectionFailure('failed', `The server ${problem}${codeSuffix(code)}.`)
}

/** An error instead of a greeting: the server does not accept this host, or no connection at all. */
function rejectedAtOnce(run: TestRun, errno: number): ConnectionFailure {
  run.enterStage('authenticate')
  return serverError(run, errno)
}

function serverError(run: TestRun, errno: number): ConnectionFailure {
  const unknown = () => new ConnectionFailure('failed', `The server returned an error${codeSuffix(errno)}.`)
  return explainMysqlError(run, errno) ?? unknown()
}

/** The server asks for an authentication plugin that mysql2 lacks or refuses, such as one that sends the password. */
function pluginFailure(run: TestRun, error: unknown): ConnectionFailure {
  const user = text(run.credentials, 'username')
  const [, name] = /(?:unknown plugin|using) (\w{1,64})[.,]/.exec(String(Object(error).message)) ?? []
  const plugin = name ? `the authentication plugin ${name}` : 'an authentication plugin'
  const advice = 'Use an account that authenticates with mysql_native_password, caching_sha2_password or ed25519.'
  const message = `${user} uses ${plugin}, which dsctl does not support. ${advice}`
  return new ConnectionFailure('auth_failed', message)
}

/** mysql2 replaces Node's error code with its own, so Node's code is derived from the message. */
function withNodeCode(error: unknown): unknown {
  const { code, message, reason, cert } = Object(error) as Readonly<Record<string, unknown>>
  if (code !== 'HANDSHAKE_SSL_ERROR') return error
  const text = `${message} ${reason}`
  return { code: CODES_BY_MESSAGE.find(([pattern]) => pattern.test(text))?.[1] ?? code, message, cert }
}

const CODES_BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/does not match certificate|altnames/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [/certificate has expired/, 'CERT_HAS_EXPIRED'],
  [/not yet valid/, 'CERT_NOT_YET_VALID'],
  [/self[- ]signed certificate in/, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [/self[- ]signed/, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [/unable to verify|unable to get.*issuer/, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
]
