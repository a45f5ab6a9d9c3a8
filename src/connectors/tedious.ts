import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { guardPrelogin } from './guard-prelogin.ts'
import { importOptionalDriver } from './optional-driver.ts'
import { type Address, formatAddress, optionalText, serverAddress, type TestRun, text } from './test-run.ts'
import { tlsFailure } from './tls.ts'

/** What is used of the package, which is not there when this is built. */
interface Tedious {
  Connection: new (config: object) => Connection
  Request: new (sql: string, done: (error?: Error | null) => void) => NodeJS.EventEmitter
}

interface Connection extends NodeJS.EventEmitter {
  connect(): void
  execSql(request: NodeJS.EventEmitter): void
  close(): void
}

/** SQL Server. */
export async function testTedious(job: TestRun): Promise<string | null> {
  const { credentials } = job
  const module = await importOptionalDriver<Tedious & { default?: Tedious }>('tedious')
  const tedious = module.default ?? module
  const seen: Seen = { failure: undefined, number: undefined }
  const connection = new tedious.Connection(configOf(job, seen))
  job.closing(() => connection.close())
  // The number stands in this event alone.
  connection.on('errorMessage', ({ number }: { number?: unknown }) => {
    if (typeof number === 'number') seen.number ??= number
  })
  connection.on('secure', () => job.enter('authenticate'))
  connection.on('error', () => {}) // what it concerns hears of it
  try {
    await new Promise<void>((resolve, reject) => {
      connection.once('connect', (error?: Error) => (error ? reject(error) : resolve()))
      connection.connect()
    })
    job.enter('database')
    await checkSchema(tedious, connection, optionalText(credentials, 'default_schema'))
    job.enter('query')
    const version = await firstValue(tedious, connection, 'select @@version')
    return versionIn(String(version ?? ''))
  } catch (error) {
    throw error instanceof ConnectionFailure ? error : (seen.failure ?? failure(job, error, seen.number))
  }
}

/** What came by while tedious was connecting. */
interface Seen {
  failure: ConnectionFailure | undefined
  number: number | undefined
}

function configOf(job: TestRun, seen: Seen): object {
  const { credentials } = job
  const { host, port } = serverAddress(credentials)
  const domain = optionalText(credentials, 'domain')
  const login = { userName: text(credentials, 'username'), password: text(credentials, 'password') }
  const encrypt = text(credentials, 'encrypt') !== 'false'
  const instance = optionalText(credentials, 'instance')
  // The service that tells an instance's port answers datagrams, for which there is no tunnel.
  const where = instance && !optionalText(credentials, 'jump_host') ? { instanceName: instance } : { port }
  const failed = (error: ConnectionFailure) => {
    seen.failure ??= error
  }
  // Node warns on stderr of a name that is an IP address; it takes the dot away before it looks into the certificate.
  const serverName = isIP(host) ? { serverName: `${host}.` } : {}
  return {
    server: host,
    authentication: domain ? { type: 'ntlm', options: { ...login, domain } } : { type: 'default', options: login },
    options: {
      ...{ ...where, ...serverName, database: text(credentials, 'default_database'), encrypt, appName: 'dsctl' },
      trustServerCertificate: text(credentials, 'trust_server_certificate') === 'true',
      ...{ connectTimeout: job.left(), requestTimeout: job.left(), maxRetriesOnTransientErrors: 0 },
      connector: (at: Address) => open(job, at, { encrypt, failed }),
    },
  }
}

async function open(
  job: TestRun,
  at: Address,
  { encrypt, failed }: { encrypt: boolean; failed: (error: ConnectionFailure) => void },
): Promise<Duplex> {
  try {
    const stream = await job.open({ host: at.host, port: at.port })
    job.enter(encrypt ? 'tls' : 'authenticate')
    job.awaiting(`${formatAddress(at)} takes the connection and says nothing: it may not be a SQL Server`)
    return guardPrelogin(stream, { at, encrypt, failed })
  } catch (error) {
    if (error instanceof ConnectionFailure) failed(error)
    throw error
  }
}

function firstValue(tedious: Tedious, connection: Connection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let value: unknown
    const request = new tedious.Request(sql, error => (error ? reject(error) : resolve(value)))
    request.on('row', (columns: readonly { value: unknown }[]) => {
      value ??= columns[0]?.value
    })
    connection.execSql(request)
  })
}

async function checkSchema(tedious: Tedious, connection: Connection, schema: string | undefined): Promise<void> {
  if (schema === undefined) return
  const sql = `select schema_id(N'${schema.replaceAll("'", "''")}')`
  if ((await firstValue(tedious, connection, sql)) !== null) return
  throw new ConnectionFailure('database_not_found', `The database has no schema ${schema}.`)
}

/** In `Microsoft SQL Server 2022 (RTM-CU12) (KB5033663) - 16.0.4115.5 (X64) …`: its name, and the number that tells the update. */
function versionIn(text: string): string | null {
  const [name] = /^\w[\w ]{0,80}\w/.exec(text) ?? []
  const [, number] = / - (\d[\d.]{0,30})/.exec(text) ?? []
  return name === undefined ? null : number === undefined ? name : `${name} (${number})`
}

/** By number. Source: SQL Server documentation, "Database engine events and errors". */
function failure(job: TestRun, error: unknown, number: number | undefined): ConnectionFailure {
  const user = text(job.credentials, 'username')
  const database = text(job.credentials, 'default_database')
  const code = errorCode(error)
  if (number === 18456 || number === 18452 || number === 18470 || number === 18486 || number === 18487) {
    job.enter('authenticate')
    return new ConnectionFailure('auth_failed', `The server refuses the login of ${user}${codeSuffix(number)}.`)
  }
  if (number === 4060 || number === 911) {
    job.enter('database')
    const message = `The server has no database ${database}, or ${user} may not use it${codeSuffix(number)}.`
    return new ConnectionFailure('database_not_found', message)
  }
  if (number === 229 || number === 916 || number === 230) {
    return new ConnectionFailure('permission_denied', `${user} lacks a privilege on ${database}${codeSuffix(number)}.`)
  }
  if (code === 'EINSTLOOKUP') {
    job.enter('resolve')
    return new ConnectionFailure('unreachable', `The server tells no port of that instance: leave it out, or check it.`)
  }
  if (code === 'EENCRYPT') {
    job.enter('tls')
    return new ConnectionFailure('tls_failed', 'The server asks for TLS, and encrypt is false.')
  }
  if (/CERT|SIGNATURE|SSL|TLS/.test(code)) {
    job.enter('tls')
    return tlsFailure(code, text(job.credentials, 'host'))
  }
  return new ConnectionFailure('failed', `The server refused, or ended the connection${codeSuffix(number ?? code)}.`)
}
