import type { Duplex } from 'node:stream'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { readFirstBytes } from './read-first-bytes.ts'
import { type Address, formatAddress, serverAddress, type TestRun, text } from './test-run.ts'
import { type TlsSettings, tlsFailure, tlsNotSupported, tlsSettings } from './tls.ts'

const SSL_CAPABILITY = 0x0800

/** Servers that speak MySQL's protocol. */
export async function testMysql2(job: TestRun): Promise<string | null> {
  const { credentials } = job
  const at = serverAddress(credentials)
  const stream = await job.open(at)
  const wish = tlsSettings(job)
  const encrypted = await greeted(job, { stream, at, wish })
  // The name that Node checks a certificate for where mysql2 gives it none, as it does for an IP address.
  if (encrypted) Object.assign(stream, { _host: at.host })
  job.awaiting('the server does not answer the login')
  if (!encrypted) job.enter('authenticate')
  try {
    const connection = await createConnection({
      ...{ ...at, user: text(credentials, 'username'), password: text(credentials, 'password'), stream },
      ...{ database: text(credentials, 'default_database'), connectTimeout: job.left() },
      ...(encrypted && { ssl: sslOf(wish) }),
    })
    job.closing(() => connection.destroy())
    job.enter('query')
    const [rows] = await connection.query<RowDataPacket[]>('select version() as version')
    return /^[\w.+:~-]+/.exec(String(rows[0]?.version ?? ''))?.[0] ?? null
  } catch (error) {
    throw failure(job, at, error)
  }
}

/** Reads the server's greeting, which says whether it has TLS; answers whether TLS is to be used. */
async function greeted(job: TestRun, { stream, at, wish }: { stream: Duplex; at: Address; wish: TlsSettings }) {
  job.enter('tls')
  job.awaiting(`${formatAddress(at)} takes the connection and says nothing: it may not be a MySQL or MariaDB server`)
  const bytes = await readFirstBytes(stream, 7, true)
  if (bytes?.[4] === 0xff) throw refusal(bytes.readUInt16LE(5))
  if (bytes?.[3] !== 0 || bytes[4] !== 10) {
    const what = bytes ? 'answers, but does not speak MySQL' : 'ends the connection at once'
    throw new ConnectionFailure('failed', `${formatAddress(at)} ${what}: check host and port.`)
  }
  // Version, NUL, thread id (4), challenge (8), filler (1), then the lower two bytes of the capabilities.
  const capabilities = bytes.indexOf(0, 5) + 14
  const hasTls = bytes.length >= capabilities + 2 && (bytes.readUInt16LE(capabilities) & SSL_CAPABILITY) !== 0
  if (!hasTls && wish.wanted === 'yes') throw tlsNotSupported()
  return hasTls && wish.wanted !== 'no'
}

function sslOf({ verify, ca }: TlsSettings) {
  return { rejectUnauthorized: verify.certificate, verifyIdentity: verify.name, ...(ca !== undefined && { ca }) }
}

function refusal(errno: number): ConnectionFailure {
  const why = errno === 1040 ? 'has too many connections already' : 'takes no connections from this host'
  return new ConnectionFailure(errno === 1040 ? 'failed' : 'permission_denied', `The server ${why} (${errno}).`)
}

/** By number. Source: MySQL Server Error Message Reference. */
function failure(job: TestRun, at: Address, error: unknown): ConnectionFailure {
  const { errno } = Object(error) as { errno?: unknown }
  const user = text(job.credentials, 'username')
  const database = text(job.credentials, 'default_database')
  const code = errorCode(error)
  switch (errno) {
    case 1045:
    case 1698:
      job.enter('authenticate')
      return new ConnectionFailure(
        'auth_failed',
        `The server refuses the password of ${user}, has no such user for this host, or takes it over TLS alone.`,
      )
    case 1049:
      job.enter('database')
      return new ConnectionFailure('database_not_found', `The server has no database ${database}.`)
    case 1044:
      job.enter('database')
      return new ConnectionFailure(
        'permission_denied',
        `The server has no database ${database}, or ${user} has no privilege on it.`,
      )
    case 1142:
    case 1227:
      return new ConnectionFailure('permission_denied', `${user} lacks a privilege on the server (${errno}).`)
  }
  const isTls = /SSL|TLS|CERT|SIGNATURE|PEM/.test(code)
  if (isTls) {
    job.enter('tls')
    return tlsFailure(code === 'HANDSHAKE_SSL_ERROR' ? innerCode(error) : code, at.host)
  }
  const how = code === 'PROTOCOL_CONNECTION_LOST' ? 'ended the connection' : 'refused'
  return new ConnectionFailure('failed', `The server ${how}${codeSuffix(typeof errno === 'number' ? errno : code)}.`)
}

/** mysql2 puts a code of its own in place of Node's, whose texts are these. */
function innerCode(error: unknown): string {
  const { message, reason } = Object(error) as { message?: unknown; reason?: unknown }
  return TEXTS.find(([pattern]) => pattern.test(`${message} ${reason}`))?.[1] ?? ''
}

const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/does not match certificate|altnames/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [/certificate has expired/, 'CERT_HAS_EXPIRED'],
  [/not yet valid/, 'CERT_NOT_YET_VALID'],
  [/self[- ]signed|unable to verify|unable to get.*issuer/, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [/no start line|bad base64/, 'ERR_OSSL_PEM_NO_START_LINE'],
]
