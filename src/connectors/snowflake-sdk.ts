import { createPrivateKey } from 'node:crypto'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import type { Credentials } from '../domain/secret.ts'
import { splitHostAndPort } from '../lib/host-and-port.ts'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { optionalText, type TestRun, text } from './driver.ts'
import { importOptionalDriver } from './optional-driver.ts'
import { encrypt, TRUST_BY_NODE } from './tls.ts'

/** The part of snowflake-sdk that is used. The package is not installed at build time. */
interface Sdk {
  configure(options: object): void
  createConnection(options: object): Connection
}

interface Connection {
  connect(done: (error?: Error | null) => void): void
  execute(statement: {
    sqlText: string
    complete: (
      error: Error | undefined,
      statement: unknown,
      rows?: readonly Readonly<Record<string, unknown>>[],
    ) => void
  }): void
}

/** The objects that the session uses. A column is null if its object does not exist or the role may not use it. */
type SessionContext = Readonly<Record<string, unknown>>

const CONTEXT_SQL =
  'select current_version() "version", current_warehouse() "warehouse", current_database() "database", current_schema() "schema"'

/**
 * The worker's entire environment. By default, loading the driver creates a cache folder in the user's home, queries
 * the metadata services of AWS, Azure and Google, and runs native code. These variables disable all three.
 */
const ENVIRONMENT = {
  SF_OCSP_RESPONSE_CACHE_DIR: join(devNull, 'none'),
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
  SNOWFLAKE_DISABLE_MINICORE: 'true',
}

interface WorkerInput {
  /** URL of this file. */
  readonly url: string
  /** Connection options for the driver. */
  readonly options: object
}

/** A message from the worker. `number` is the driver's error code, `code` Node's. */
type WorkerMessage =
  | { readonly kind: 'failed'; readonly number: string; readonly code: string; readonly at: 'login' | 'query' }
  | { readonly kind: 'driver missing'; readonly message: string }
  | { readonly kind: 'logged in' }
  | { readonly kind: 'context'; readonly context: SessionContext }

/**
 * Tests Snowflake with its own driver, in a worker thread: the driver keeps retrying after it is stopped, and writes to
 * stdout and stderr. Terminating the thread ends both.
 */
export async function testSnowflakeSdk(run: TestRun): Promise<string | null> {
  const { credentials } = run
  const host = optionalText(credentials, 'custom_host') ?? `${text(credentials, 'account_id')}.snowflakecomputing.com`
  const options = { ...connectionOptions(run, host), ...loginOptions(credentials) }
  await checkHost(run, host)
  run.enterStage('authenticate')
  run.setTimeoutReason('Snowflake did not answer the login')
  const context = await connectInWorker(run, { url: pathToFileURL(import.meta.filename).href, options })
  checkContext(run, context)
  const version = /^[\d.]+/.exec(String(context.version ?? ''))?.[0]
  return version === undefined ? null : `Snowflake ${version}`
}

function connectionOptions(run: TestRun, host: string): object {
  const { credentials } = run
  const role = optionalText(credentials, 'role')
  const schema = optionalText(credentials, 'default_schema')
  return {
    ...{ account: text(credentials, 'account_id'), accessUrl: `https://${host}`, application: 'dsctl' },
    ...{ username: text(credentials, 'username'), warehouse: text(credentials, 'warehouse_id') },
    ...{ database: text(credentials, 'default_database'), ...(schema && { schema }), ...(role && { role }) },
    ...{ timeout: run.remainingMs(), sfRetryMaxLoginRetries: 1, clientStoreTemporaryCredential: false },
  }
}

function loginOptions(credentials: Credentials): object {
  const password = optionalText(credentials, 'password')
  if (password !== undefined) return { password }
  try {
    const passphrase = optionalText(credentials, 'private_key_passphrase')
    const key = createPrivateKey({ key: text(credentials, 'private_key'), ...(passphrase && { passphrase }) })
    return { authenticator: 'SNOWFLAKE_JWT', privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
  } catch {
    const message = 'private_key cannot be read. It must be in PEM format, and private_key_passphrase must decrypt it.'
    throw new ConnectionFailure('auth_failed', message)
  }
}

/**
 * Stages resolve, reach and tls. Checked here, because the driver has one error code for all failures before the login.
 */
async function checkHost(run: TestRun, host: string): Promise<void> {
  const { address: name, port = 443 } = splitHostAndPort(host)
  const address = { host: name, port }
  const stream = await run.open(address)
  run.enterStage('tls')
  run.setTimeoutReason('the TLS handshake did not finish')
  const socket = await encrypt(stream, { host, trust: TRUST_BY_NODE }, {})
  socket.destroy()
}

function connectInWorker(run: TestRun, input: WorkerInput): Promise<SessionContext> {
  const code = "import(require('node:worker_threads').workerData.url).then(file => file.runSnowflakeWorker())"
  const worker = new Worker(code, { eval: true, workerData: input, stdout: true, stderr: true, env: ENVIRONMENT })
  run.onEnd(() => worker.terminate())
  worker.stdout.resume()
  worker.stderr.resume()
  return new Promise((resolve, reject) => {
    worker.on('error', error => reject(loginFailure(run, { code: errorCode(error), number: '' })))
    worker.on('exit', () => reject(loginFailure(run, { code: '', number: '' })))
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'context') return resolve(message.context)
      if (message.kind === 'driver missing') return reject(new ConnectionFailure('driver_missing', message.message))
      if (message.kind === 'failed') return reject(toFailure(run, message))
      run.enterStage('query')
      run.setTimeoutReason('Snowflake did not finish the query; the warehouse may be starting')
    })
  })
}

/** The worker thread: logs in, runs the query, and posts a WorkerMessage for each result. */
export async function runSnowflakeWorker(): Promise<void> {
  const { options } = workerData as WorkerInput
  const post = (message: WorkerMessage) => parentPort?.postMessage(message)
  const postFailure = (error: unknown, at: 'login' | 'query') =>
    post({ kind: 'failed', number: String(Object(error).code ?? ''), code: errorCode(Object(error).cause), at })
  const module = await importOptionalDriver<Sdk & { default?: Sdk }>('snowflake-sdk').catch((error: Error) => error)
  if (module instanceof Error) return post({ kind: 'driver missing', message: module.message })
  const sdk = module.default ?? module
  // By default the driver writes a log file to the current folder.
  sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false })
  const connection = sdk.createConnection(options)
  connection.connect(loginError => {
    if (loginError) return postFailure(loginError, 'login')
    post({ kind: 'logged in' })
    connection.execute({
      sqlText: CONTEXT_SQL,
      complete: (error, _, rows) =>
        error ? postFailure(error, 'query') : post({ kind: 'context', context: { ...rows?.[0] } }),
    })
  })
}

/** The login succeeds even if the warehouse, database or schema does not exist: the session's value is then null. */
function checkContext(run: TestRun, context: SessionContext): void {
  const { credentials } = run
  const requested = [
    ['warehouse', text(credentials, 'warehouse_id')],
    ['database', text(credentials, 'default_database')],
    ['schema', text(credentials, 'default_schema')],
  ] as const
  const missing = requested.find(([kind, name]) => name !== '' && !context[kind])
  if (!missing) return
  run.enterStage('database')
  const [kind, name] = missing
  const message = `The account has no ${kind} ${name}, or the role is not allowed to use it.`
  throw new ConnectionFailure('database_not_found', message)
}

function toFailure(run: TestRun, failed: Extract<WorkerMessage, { kind: 'failed' }>): ConnectionFailure {
  if (failed.at === 'login') return loginFailure(run, failed)
  return new ConnectionFailure('failed', `Snowflake rejected the query${codeSuffix(failed.number)}.`)
}

/** Explains a failed login by its number. Source: Snowflake documentation, error codes of the login. */
function loginFailure(run: TestRun, { number, code }: { number: string; code: string }): ConnectionFailure {
  const user = text(run.credentials, 'username')
  if (number === '390189' || number === '390186') {
    const message = `The account has no role ${text(run.credentials, 'role')}, or ${user} is not allowed to use it.`
    return new ConnectionFailure('permission_denied', message)
  }
  if (/^39\d{4}$/.test(number)) {
    return new ConnectionFailure('auth_failed', `Snowflake rejected the login of ${user}${codeSuffix(number)}.`)
  }
  return new ConnectionFailure('failed', `Snowflake gave no usable response to the login${codeSuffix(code || number)}.`)
}
