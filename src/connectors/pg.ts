import type { Duplex } from 'node:stream'
import pg from 'pg'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { readFirstBytes } from './read-first-bytes.ts'
import { type Address, formatAddress, optionalText, serverAddress, type TestRun, text } from './test-run.ts'
import { encrypt, tlsNotSupported, tlsOptions, tlsSettings } from './tls.ts'

/** Servers that speak Postgres's protocol. */
export async function testPg(job: TestRun): Promise<string | null> {
  const { credentials } = job
  const stream = await negotiate(job, serverAddress(credentials))
  job.enter('authenticate')
  job.awaiting('the server does not answer the login')
  const client = new pg.Client({
    ...{ ...serverAddress(credentials), user: text(credentials, 'username'), password: text(credentials, 'password') },
    ...{ database: text(credentials, 'default_database'), ssl: false, stream: () => connected(stream) },
    ...{ application_name: 'dsctl', client_encoding: 'utf8' },
  })
  job.closing(() => stream.destroy())
  client.on('error', () => {}) // the query or the login that it concerns hears of it
  const inside = client as unknown as { connection: NodeJS.EventEmitter; connectionParameters: { options?: string } }
  // pg takes PGOPTIONS where it is given none, which is meant for dsctl's own database; poolers refuse any.
  inside.connectionParameters.options = ''
  inside.connection.once('authenticationOk', () => job.enter('database'))
  try {
    await client.connect()
    job.enter('database')
    await checkSchema(client, optionalText(credentials, 'default_schema'))
    job.enter('query')
    const { rows } = await client.query('select version() as version')
    return versionIn(String(rows[0]?.version ?? ''))
  } catch (error) {
    throw error instanceof ConnectionFailure ? error : failure(job, error)
  }
}

/** Asks for TLS as the protocol has it: a request of eight bytes, answered by S or N. It tells Postgres from others. */
async function negotiate(job: TestRun, at: Address): Promise<Duplex> {
  const wish = tlsSettings(job)
  const stream = await job.open(at)
  job.enter('tls')
  job.awaiting(`${formatAddress(at)} takes the connection and says nothing: it may not be a Postgres server`)
  stream.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
  const answer = (await readFirstBytes(stream, 1, false))?.toString('latin1')
  if (answer === 'N' && wish.wanted === 'yes') throw tlsNotSupported()
  if (answer === 'N') return stream
  if (answer !== 'S') throw notPostgres(at, answer)
  if (wish.wanted === 'no') {
    stream.destroy()
    return job.open(at)
  }
  job.awaiting('the TLS handshake does not come to an end')
  return encrypt(stream, at, tlsOptions(wish))
}

function notPostgres(at: Address, answer: string | undefined): ConnectionFailure {
  const what = answer === undefined ? 'ends the connection at once' : 'answers, but does not speak Postgres'
  return new ConnectionFailure('failed', `${formatAddress(at)} ${what}: check host and port.`)
}

/**
 * What is connected already, as pg expects a socket that it connects itself. Its parser throws at what no Postgres
 * server says, where nobody could catch it: here that ends the connection.
 */
function connected(stream: Duplex): Duplex {
  const connect = () => {
    setImmediate(() => stream.emit('connect'))
    return stream
  }
  const on = stream.on.bind(stream)
  const guarded = (event: string, listener: (...args: unknown[]) => void) =>
    on(event, event === 'data' ? guard(stream, listener) : listener)
  const same = () => stream
  return Object.assign(stream, { connect, on: guarded, setNoDelay: same, setKeepAlive: same, ref: same, unref: same })
}

function guard(stream: Duplex, listener: (...args: unknown[]) => void) {
  return (...args: unknown[]) => {
    try {
      listener(...args)
    } catch {
      stream.destroy(new Error('What was received is not of the protocol.'))
    }
  }
}

async function checkSchema(client: pg.Client, schema: string | undefined): Promise<void> {
  if (schema === undefined) return
  const { rows } = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
  if (rows.length === 0) {
    throw new ConnectionFailure('database_not_found', `The database has no schema ${schema}.`)
  }
  const usable = await client.query("select has_schema_privilege($1, 'usage') as usable", [schema])
  if (!usable.rows[0]?.usable) {
    throw new ConnectionFailure('permission_denied', `The user may not use the schema ${schema}: GRANT USAGE on it.`)
  }
}

function versionIn(text: string): string | null {
  const [, named] = /Redshift ([\w.]+)/.exec(text) ?? []
  return named ? `Redshift ${named}` : (/^[\w.]+ [\w.]+/.exec(text)?.[0] ?? null)
}

/** By SQLSTATE. Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes". */
function failure(job: TestRun, error: unknown): ConnectionFailure {
  const code = errorCode(error)
  const user = text(job.credentials, 'username')
  const database = text(job.credentials, 'default_database')
  switch (code) {
    case '28P01':
      return new ConnectionFailure('auth_failed', `The server refuses the password of ${user}, or has no such user.`)
    case '28000':
      job.enter('authenticate')
      return new ConnectionFailure(
        'auth_failed',
        `The server lets ${user} not log in from here: pg_hba.conf has no entry for it, asks for TLS, or the role may not log in.`,
      )
    case '3D000':
      return new ConnectionFailure('database_not_found', `The server has no database ${database}.`)
    case '42501':
      return new ConnectionFailure('permission_denied', `${user} lacks a privilege on the database ${database}.`)
    case '53300':
      return new ConnectionFailure('failed', 'The server has too many connections already.')
    case '57P03':
      return new ConnectionFailure('failed', 'The server is starting up or shutting down.')
  }
  const how = code === '' ? 'ended the connection, or said what a Postgres server does not say' : 'refused'
  return new ConnectionFailure('failed', `The server ${how}${codeSuffix(code)}.`)
}
