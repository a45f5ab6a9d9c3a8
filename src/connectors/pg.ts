import type { Duplex } from 'node:stream'
import pg from 'pg'
import { checkMessages } from '../lib/postgres-messages/check-messages.ts'
import { InvalidPostgresMessage } from '../lib/postgres-messages/invalid-message.ts'
import { readFirstBytes } from '../lib/read-first-bytes.ts'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, optionalText, serverAddress, type TestRun, text } from './driver.ts'
import { encrypt, findTlsFailure, TRUST_BY_FIELD, tlsNotSupported, tlsOptions, tlsSettings } from './tls.ts'

/** Tests servers that speak the Postgres protocol. */
export async function testPg(run: TestRun): Promise<string | null> {
  const { credentials } = run
  const stream = await negotiateTls(run, serverAddress(credentials))
  run.enterStage('authenticate')
  run.setTimeoutReason('the server did not answer the login')
  const client = checkMessages(
    new pg.Client({
      ...{
        ...serverAddress(credentials),
        user: text(credentials, 'username'),
        password: text(credentials, 'password'),
      },
      ...{ database: text(credentials, 'default_database'), ssl: false, stream: () => asPgSocket(stream) },
      ...{ application_name: 'dsctl', client_encoding: 'utf8' },
    }),
  )
  run.onEnd(() => stream.destroy())
  client.on('error', () => {}) // the pending login or query rejects with this error
  const internals = client as unknown as { connection: NodeJS.EventEmitter; connectionParameters: { options?: string } }
  // Otherwise pg uses PGOPTIONS, which is for dsctl's own database; connection poolers reject any options.
  internals.connectionParameters.options = ''
  internals.connection.once('authenticationOk', () => run.enterStage('database'))
  try {
    await client.connect()
    run.enterStage('database')
    await checkSchema(client, optionalText(credentials, 'default_schema'))
    run.enterStage('query')
    const { rows } = await client.query('select version() as version')
    return parseVersion(String(rows[0]?.version ?? ''))
  } catch (error) {
    throw error instanceof ConnectionFailure ? error : toFailure(run, error)
  }
}

/** Sends SSLRequest. The answer, S or N, shows whether the server supports TLS, and that it is a Postgres server. */
async function negotiateTls(run: TestRun, address: Address): Promise<Duplex> {
  const tls = tlsSettings(run)
  const stream = await run.open(address)
  run.enterStage('tls')
  run.setTimeoutReason(
    `${formatAddress(address)} accepted the connection but did not answer; it may not be a Postgres server`,
  )
  stream.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
  const answer = (await readFirstBytes(stream, { minBytes: 1, putBack: false }))?.toString('latin1')
  if (answer === 'N' && tls.mode === 'require') throw tlsNotSupported()
  if (answer === 'N') return stream
  if (answer !== 'S') throw notPostgres(address, answer)
  if (tls.mode === 'disable') {
    stream.destroy()
    return run.open(address)
  }
  run.setTimeoutReason('the TLS handshake did not finish')
  return encrypt(stream, { host: address.host, trust: TRUST_BY_FIELD }, tlsOptions(tls))
}

function notPostgres(address: Address, answer: string | undefined): ConnectionFailure {
  const problem = answer === undefined ? 'closed the connection at once' : 'answered, but not in the Postgres protocol'
  return new ConnectionFailure('failed', `${formatAddress(address)} ${problem}. Check host and port.`)
}

/** Adapts an open connection to pg, which expects to connect a socket itself. */
function asPgSocket(stream: Duplex): Duplex {
  const connect = () => {
    setImmediate(() => stream.emit('connect'))
    return stream
  }
  const noop = () => stream
  return Object.assign(stream, { connect, setNoDelay: noop, setKeepAlive: noop, ref: noop, unref: noop })
}

async function checkSchema(client: pg.Client, schema: string | undefined): Promise<void> {
  if (schema === undefined) return
  const { rows } = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
  if (rows.length === 0) {
    throw new ConnectionFailure('database_not_found', `The database has no schema ${schema}.`)
  }
  const usable = await client.query("select has_schema_privilege($1, 'usage') as usable", [schema])
  if (!usable.rows[0]?.usable) {
    const message = `The user is not allowed to use the schema ${schema}. Grant the user USAGE on it.`
    throw new ConnectionFailure('permission_denied', message)
  }
}

function parseVersion(text: string): string | null {
  const [, amazonVersion] = /Redshift ([\w.]+)/.exec(text) ?? []
  return amazonVersion ? `Redshift ${amazonVersion}` : (/^[\w.]+ [\w.]+/.exec(text)?.[0] ?? null)
}

/** Explains an error by its SQLSTATE. Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes". */
function toFailure(run: TestRun, error: unknown): ConnectionFailure {
  if (error instanceof InvalidPostgresMessage) return new ConnectionFailure('failed', error.message)
  const code = errorCode(error)
  const user = text(run.credentials, 'username')
  const database = text(run.credentials, 'default_database')
  switch (code) {
    case '28P01':
      return new ConnectionFailure('auth_failed', `The server rejected the password of ${user}, or has no such user.`)
    case '28000': {
      run.enterStage('authenticate')
      const reasons = 'pg_hba.conf has no entry for it or requires TLS, or the role has no LOGIN attribute'
      const message = `The server does not allow ${user} to log in from this host: ${reasons}.`
      return new ConnectionFailure('auth_failed', message)
    }
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
