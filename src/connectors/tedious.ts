import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, optionalText, serverAddress, type TestRun, text } from './driver.ts'
import { guardPrelogin } from './guard-prelogin.ts'
import { importOptionalDriver } from './optional-driver.ts'
import { findInstancePort } from './sql-browser.ts'
import { findTlsFailure, TRUST_BY_NODE } from './tls.ts'

/** The part of tedious that is used. The package is not installed at build time. */
interface Tedious {
  Connection: new (config: object) => Connection
  Request: new (sql: string, done: (error?: Error | null) => void) => NodeJS.EventEmitter
}

interface Connection extends NodeJS.EventEmitter {
  connect(): void
  execSql(request: NodeJS.EventEmitter): void
  close(): void
}

/** Tests SQL Server. */
export async function testTedious(run: TestRun): Promise<string | null> {
  const { credentials } = run
  const module = await importOptionalDriver<Tedious & { default?: Tedious }>('tedious')
  const tedious = module.default ?? module
  const errors: FirstErrors = { failure: undefined, number: undefined }
  const connection = new tedious.Connection(configOf(run, await findPort(run), errors))
  run.onEnd(() => connection.close())
  // The error that tedious throws lacks the server's error number.
  connection.on('errorMessage', ({ number }: { number?: unknown }) => {
    if (typeof number === 'number') errors.number ??= number
  })
  connection.on('secure', () => run.enterStage('authenticate'))
  connection.on('error', () => {}) // the pending login or query rejects with this error
  try {
    await new Promise<void>((resolve, reject) => {
      connection.once('connect', (error?: Error) => (error ? reject(error) : resolve()))
      connection.connect()
    })
    run.enterStage('database')
    await checkSchema(tedious, connection, optionalText(credentials, 'default_schema'))
    run.enterStage('query')
    const version = await queryValue(tedious, connection, 'select @@version')
    return parseVersion(String(version ?? ''))
  } catch (error) {
    throw error instanceof ConnectionFailure ? error : (errors.failure ?? toFailure(run, error, errors.number))
  }
}

/** The first errors while connecting. They say more than the error that tedious throws at the end. */
interface FirstErrors {
  failure: ConnectionFailure | undefined
  /** SQL Server's error number. */
  number: number | undefined
}

const DEFAULT_PORT = 1433

/**
 * The port of a named instance, unless `port` overrides it. If `port` is the default port, dsctl may have filled it in,
 * so it is used only if the instance cannot be looked up. An SSH tunnel does not carry UDP, so it allows no look-up.
 */
async function findPort(run: TestRun): Promise<{ port: number; unknownInstance?: string }> {
  const { credentials } = run
  const port = optionalText(credentials, 'port')
  const instance = optionalText(credentials, 'instance')
  if (instance === undefined || (port !== undefined && Number(port) !== DEFAULT_PORT)) {
    return { port: Number(port ?? DEFAULT_PORT) }
  }
  const isDirect = optionalText(credentials, 'jump_host') === undefined
  const found = isDirect ? await findInstancePort(run, text(credentials, 'host'), instance) : undefined
  return found === undefined ? { port: DEFAULT_PORT, unknownInstance: instance } : { port: found }
}

function configOf(run: TestRun, { port, unknownInstance }: Awaited<ReturnType<typeof findPort>>, errors: FirstErrors) {
  const { credentials } = run
  const { host } = serverAddress(credentials)
  const domain = optionalText(credentials, 'domain')
  const login = { userName: text(credentials, 'username'), password: text(credentials, 'password') }
  const encrypt = text(credentials, 'encrypt') !== 'false'
  const onFailure = (failure: ConnectionFailure) => {
    const hint = unknownInstance && ` Instance ${unknownInstance} was not found by SQL Server Browser. Set port.`
    errors.failure ??= new ConnectionFailure(failure.code, `${failure.message}${hint ?? ''}`)
  }
  // Node prints a warning if a TLS server name is an IP address. It ignores a trailing dot when it checks certificates.
  const serverName = isIP(host) ? { serverName: `${host}.` } : {}
  return {
    server: host,
    authentication: domain ? { type: 'ntlm', options: { ...login, domain } } : { type: 'default', options: login },
    options: {
      ...{ port, ...serverName, database: text(credentials, 'default_database'), encrypt, appName: 'dsctl' },
      trustServerCertificate: text(credentials, 'trust_server_certificate') === 'true',
      ...{ connectTimeout: run.remainingMs(), requestTimeout: run.remainingMs(), maxRetriesOnTransientErrors: 0 },
      connector: (address: Address) => openGuarded(run, address, { encrypt, onFailure }),
    },
  }
}

async function openGuarded(
  run: TestRun,
  address: Address,
  { encrypt, onFailure }: { encrypt: boolean; onFailure: (failure: ConnectionFailure) => void },
): Promise<Duplex> {
  try {
    const stream = await run.open({ host: address.host, port: address.port })
    run.enterStage(encrypt ? 'tls' : 'authenticate')
    run.setTimeoutReason(
      `${formatAddress(address)} accepted the connection but did not answer; it may not be a SQL Server`,
    )
    return guardPrelogin(stream, { address, encrypt, onFailure })
  } catch (error) {
    if (error instanceof ConnectionFailure) onFailure(error)
    throw error
  }
}

async function checkSchema(tedious: Tedious, connection: Connection, schema: string | undefined): Promise<void> {
  if (schema === undefined) return
  const sql = `select schema_id(N'${schema.replaceAll("'", "''")}')`
  if ((await queryValue(tedious, connection, sql)) !== null) return
  throw new ConnectionFailure('database_not_found', `The database has no schema ${schema}.`)
}

/** The first column of the first row. */
function queryValue(tedious: Tedious, connection: Connection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let value: unknown
    const request = new tedious.Request(sql, error => (error ? reject(error) : resolve(value)))
    request.on('row', (columns: readonly { value: unknown }[]) => {
      value ??= columns[0]?.value
    })
    connection.execSql(request)
  })
}

/** Name and number in text such as `Microsoft SQL Server 2022 (RTM-CU12) (KB5033663) - 16.0.4115.5 (X64) …`. */
function parseVersion(text: string): string | null {
  const [name] = /^\w[\w ]{0,80}\w/.exec(text) ?? []
  const [, number] = / - (\d[\d.]{0,30})/.exec(text) ?? []
  return name === undefined ? null : number === undefined ? name : `${name} (${number})`
}

const TRUST_SQL_SERVER = `${TRUST_BY_NODE} To skip the verification, set trust_server_certificate.`
const LOGIN_ERRORS = [18456, 18452, 18470, 18486, 18487]
const DATABASE_ERRORS = [4060, 911]
const PRIVILEGE_ERRORS = [229, 916, 230]

/** Explains an error by its number. Source: SQL Server documentation, "Database engine events and errors". */
function toFailure(run: TestRun, error: unknown, number: number | undefined): ConnectionFailure {
  const user = text(run.credentials, 'username')
  const database = text(run.credentials, 'default_database')
  const code = errorCode(error)
  if (number !== undefined && LOGIN_ERRORS.includes(number)) {
    run.enterStage('authenticate')
    return new ConnectionFailure('auth_failed', `The server rejected the login of ${user}${codeSuffix(number)}.`)
  }
  if (number !== undefined && DATABASE_ERRORS.includes(number)) {
    run.enterStage('database')
    const message = `The server has no database ${database}, or ${user} is not allowed to use it${codeSuffix(number)}.`
    return new ConnectionFailure('database_not_found', message)
  }
  if (number !== undefined && PRIVILEGE_ERRORS.includes(number)) {
    return new ConnectionFailure('permission_denied', `${user} lacks a privilege on ${database}${codeSuffix(number)}.`)
  }
  if (code === 'EENCRYPT') {
    run.enterStage('tls')
    return new ConnectionFailure('tls_failed', 'The server requires TLS, but encrypt is false.')
  }
  const tls = findTlsFailure(error, { host: text(run.credentials, 'host'), trust: TRUST_SQL_SERVER })
  if (tls) {
    run.enterStage('tls')
    return tls
  }
  const message = `The server returned an error or closed the connection${codeSuffix(number ?? code)}.`
  return new ConnectionFailure('failed', message)
}
