import type { Duplex } from 'node:stream'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, serverAddress, type TestRun, text } from './driver.ts'
import { readFirstBytes } from './read-first-bytes.ts'
import { type TlsSettings, tlsFailure, tlsNotSupported, tlsSettings } from './tls.ts'

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
    const connection = await createConnection({
      ...{ ...address, user: text(credentials, 'username'), password: text(credentials, 'password'), stream },
      ...{ database: text(credentials, 'default_database'), connectTimeout: run.remainingMs() },
      ...(encrypted && { ssl: sslOptions(tls) }),
    })
    run.onEnd(() => connection.destroy())
    run.enterStage('query')
    const [rows] = await connection.query<RowDataPacket[]>('select version() as version')
    return /^[\w.+:~-]+/.exec(String(rows[0]?.version ?? ''))?.[0] ?? null
  } catch (error) {
    throw toFailure(run, address, error)
  }
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
  if (bytes?.[4] === 0xff) throw connectionRejected(bytes.readUInt16LE(5))
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

function connectionRejected(errno: number): ConnectionFailure {
  return errno === 1040
    ? new ConnectionFailure('failed', `The server has too many connections (${errno}).`)
    : new ConnectionFailure('permission_denied', `The server does not allow connections from this host (${errno}).`)
}

function sslOptions({ verify, ca }: TlsSettings) {
  return { rejectUnauthorized: verify.certificate, verifyIdentity: verify.name, ...(ca !== undefined && { ca }) }
}

/** Explains an error by its number. Source: MySQL Server Error Message Reference. */
function toFailure(run: TestRun, address: Address, error: unknown): ConnectionFailure {
  const { errno } = Object(error) as { errno?: unknown }
  const user = text(run.credentials, 'username')
  const database = text(run.credentials, 'default_database')
  const code = errorCode(error)
  switch (errno) {
    case 1045:
    case 1698: {
      run.enterStage('authenticate')
      const others = 'has no such user for this host, or accepts the user only over TLS'
      return new ConnectionFailure('auth_failed', `The server rejected the password of ${user}, ${others}.`)
    }
    case 1049:
      run.enterStage('database')
      return new ConnectionFailure('database_not_found', `The server has no database ${database}.`)
    case 1044: {
      run.enterStage('database')
      const message = `The server has no database ${database}, or ${user} has no privilege on it.`
      return new ConnectionFailure('permission_denied', message)
    }
    case 1142:
    case 1227:
      return new ConnectionFailure('permission_denied', `${user} lacks a privilege on the server (${errno}).`)
  }
  if (/SSL|TLS|CERT|SIGNATURE|PEM/.test(code)) {
    run.enterStage('tls')
    return tlsFailure(code === 'HANDSHAKE_SSL_ERROR' ? nodeTlsCode(error) : code, address.host)
  }
  const problem = code === 'PROTOCOL_CONNECTION_LOST' ? 'closed the connection' : 'returned an error'
  return new ConnectionFailure(
    'failed',
    `The server ${problem}${codeSuffix(typeof errno === 'number' ? errno : code)}.`,
  )
}

/** mysql2 replaces Node's error code by its own, so the code is found by Node's message. */
function nodeTlsCode(error: unknown): string {
  const { message, reason } = Object(error) as { message?: unknown; reason?: unknown }
  return CODES_BY_MESSAGE.find(([pattern]) => pattern.test(`${message} ${reason}`))?.[1] ?? ''
}

const CODES_BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/does not match certificate|altnames/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [/certificate has expired/, 'CERT_HAS_EXPIRED'],
  [/not yet valid/, 'CERT_NOT_YET_VALID'],
  [/self[- ]signed|unable to verify|unable to get.*issuer/, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [/no start line|bad base64/, 'ERR_OSSL_PEM_NO_START_LINE'],
]
