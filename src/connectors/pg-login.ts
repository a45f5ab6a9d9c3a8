import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import pg from 'pg'
import { asPgSocket, REQUESTED_TLS, requestTls } from '../lib/postgres-login.ts'
import { isSqlState } from '../lib/postgres-login-failure.ts'
import { checkMessages } from '../lib/postgres-messages/check-messages.ts'
import type { Stage } from '../ports/connection-test.ts'
import { ConnectionFailure, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, serverAddress, type TestRun, text } from './driver.ts'
import { pgFailure } from './pg-failure.ts'
import { encrypt, type TlsSettings, TRUST_BY_FIELD, tlsNotSupported, tlsOptions, tlsSettings } from './tls.ts'

/**
 * Connects and logs in: the stages up to `database`. As in libpq, `prefer` tries again without TLS if the handshake fails
 * or the server refuses the login.
 */
export async function logInToPostgres(run: TestRun): Promise<pg.Client> {
  const tls = tlsSettings(run)
  const first = await logIn(run, tls)
  if (!('failure' in first)) return first
  if (tls.mode !== 'prefer' || !first.encrypted) throw first.failure
  const second = await logIn(run, { ...tls, mode: 'disable' })
  if (!('failure' in second)) return second
  // The second attempt tells more if only a password is wrong. Otherwise it only failed for want of TLS.
  const { stage, failure } = second.code === WRONG_PASSWORD ? second : first
  run.enterStage(stage)
  throw failure
}

const WRONG_PASSWORD = '28P01'

/** The handshake failed, or the server refused the login with an error message. */
interface Refusal {
  readonly failure: ConnectionFailure
  readonly stage: Stage
  readonly encrypted: boolean
  readonly code: string
}

/** Throws ConnectionFailure if another attempt would not help either. */
async function logIn(run: TestRun, tls: TlsSettings): Promise<pg.Client | Refusal> {
  const stream = await negotiateTls(run, tls)
  if ('failure' in stream) return stream
  run.onEnd(() => stream.destroy())
  run.enterStage('authenticate')
  run.setTimeoutReason('the server did not answer the login')
  const client = newClient(run, stream)
  const { connection } = client as unknown as PgInternals
  let isLoggedIn = false
  connection.once('authenticationOk', () => {
    isLoggedIn = true
    run.enterStage('database')
  })
  try {
    await client.connect()
    return client
  } catch (error) {
    const failure = pgFailure(run, error)
    const code = errorCode(error)
    if (isLoggedIn || !isSqlState(code)) throw failure
    return { failure, stage: 'authenticate', encrypted: stream instanceof TLSSocket, code }
  }
}

// The parts of pg's client that its types leave out.
interface PgInternals {
  readonly connection: NodeJS.EventEmitter
  readonly connectionParameters: Record<string, unknown>
}

/** A client that uses no PG* variables, which are for dsctl's own database. */
function newClient({ credentials }: TestRun, stream: Duplex): pg.Client {
  const config = {
    ...{ ...serverAddress(credentials), user: text(credentials, 'username') },
    ...{ password: () => text(credentials, 'password'), database: text(credentials, 'default_database') },
    ...{ application_name: 'dsctl', client_encoding: 'utf8', ssl: false, sslnegotiation: REQUESTED_TLS },
    stream: () => asPgSocket(stream),
  }
  const client = checkMessages(new pg.Client(config as pg.ClientConfig))
  client.on('error', () => {}) // the pending login or query rejects with this error
  const { connectionParameters } = client as unknown as PgInternals
  Object.assign(connectionParameters, { options: '', replication: '' })
  return client
}

/** Asks the server for TLS. The answer also shows that it is a Postgres server. */
async function negotiateTls(run: TestRun, tls: TlsSettings): Promise<Duplex | Refusal> {
  const address = serverAddress(run.credentials)
  const stream = await run.open(address)
  run.enterStage('tls')
  run.setTimeoutReason(
    `${formatAddress(address)} accepted the connection but did not answer; it may not be a Postgres server`,
  )
  const answer = await requestTls(stream)
  if (answer === 'N' && tls.mode === 'require') throw tlsNotSupported()
  if (answer === 'N') return stream
  if (answer !== 'S') throw notPostgres(address, answer)
  if (tls.mode === 'disable') {
    stream.destroy()
    return run.open(address)
  }
  run.setTimeoutReason('the TLS handshake did not finish')
  return encrypt(stream, { host: address.host, trust: TRUST_BY_FIELD }, tlsOptions(tls)).catch(
    (failure: ConnectionFailure) => {
      return { failure, stage: 'tls', encrypted: true, code: '' }
    },
  )
}

function notPostgres(address: Address, answer: string | undefined): ConnectionFailure {
  const problem = answer === undefined ? 'closed the connection at once' : 'answered, but not in the Postgres protocol'
  return new ConnectionFailure('failed', `${formatAddress(address)} ${problem}. Check host and port.`)
}
