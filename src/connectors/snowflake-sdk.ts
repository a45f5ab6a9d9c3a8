import { createPrivateKey } from 'node:crypto'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import type { Credentials } from '../domain/secret.ts'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { importOptionalDriver } from './optional-driver.ts'
import { optionalText, type TestRun, text } from './test-run.ts'
import { encrypt } from './tls.ts'

/** What is used of the package, which is not there when this is built. */
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

const CONTEXT =
  'select current_version() "version", current_warehouse() "warehouse", current_database() "database", current_schema() "schema"'

/**
 * All that the driver knows of the environment. When it is loaded it makes a folder for a cache in the user's home, asks
 * AWS, Azure and Google who this machine and its user are, and runs native code of its own, unless it is told not to.
 */
const ENVIRONMENT = {
  SF_OCSP_RESPONSE_CACHE_DIR: join(devNull, 'none'),
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
  SNOWFLAKE_DISABLE_MINICORE: 'true',
}

/** What is asked of the thread in which the driver runs. */
interface Order {
  /** Of this very file. */
  readonly url: string
  readonly options: object
}

/** What that thread answers: what came of the login, then of the query. `number` is the driver's code. */
type Heard =
  | { readonly kind: 'refused'; readonly number: string; readonly code: string; readonly at: 'login' | 'query' }
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'logged in' }
  | { readonly kind: 'context'; readonly found: Readonly<Record<string, unknown>> }

/**
 * Snowflake, by its own driver, in a thread of its own: it goes on trying after it is told to stop, and it writes to
 * stdout and stderr. When the thread is ended, all that ends.
 */
export async function testSnowflakeSdk(job: TestRun): Promise<string | null> {
  const { credentials } = job
  const host = optionalText(credentials, 'custom_host') ?? `${text(credentials, 'account_id')}.snowflakecomputing.com`
  const login = loginOf(credentials)
  await knock(job, host)
  job.enter('authenticate')
  job.awaiting('Snowflake does not answer the login')
  const order: Order = { url: pathToFileURL(import.meta.filename).href, options: { ...optionsOf(job, host), ...login } }
  const found = await inThread(job, order)
  checkContext(job, found)
  const version = /^[\d.]+/.exec(String(found.version ?? ''))?.[0]
  return version === undefined ? null : `Snowflake ${version}`
}

function inThread(job: TestRun, order: Order): Promise<Readonly<Record<string, unknown>>> {
  const code = "import(require('node:worker_threads').workerData.url).then(file => file.connectInThread())"
  const quiet = { stdout: true, stderr: true, env: ENVIRONMENT }
  const worker = new Worker(code, { eval: true, workerData: order, ...quiet })
  job.closing(() => worker.terminate())
  worker.stdout.resume()
  worker.stderr.resume()
  return new Promise((resolve, reject) => {
    worker.on('error', error => reject(loginFailure(job, { code: errorCode(error), number: '' })))
    worker.on('exit', () => reject(loginFailure(job, { code: '', number: '' })))
    worker.on('message', (heard: Heard) => {
      if (heard.kind === 'context') return resolve(heard.found)
      if (heard.kind === 'missing') return reject(new ConnectionFailure('driver_missing', heard.message))
      if (heard.kind === 'refused') return reject(refusal(job, heard))
      job.enter('query')
      job.awaiting('Snowflake does not come to an end with the query: the warehouse may be starting')
    })
  })
}

/** What runs in the thread. It knows no more than the order, and judges nothing. */
export async function connectInThread(): Promise<void> {
  const { options } = workerData as Order
  const say = (heard: Heard) => parentPort?.postMessage(heard)
  const refused = (error: unknown, at: 'login' | 'query') =>
    say({ kind: 'refused', number: String(Object(error).code ?? ''), code: errorCode(Object(error).cause), at })
  const module = await importOptionalDriver<Sdk & { default?: Sdk }>('snowflake-sdk').catch((error: Error) => error)
  if (module instanceof Error) return say({ kind: 'missing', message: module.message })
  const sdk = module.default ?? module
  // Else it writes what it does to a file in the working folder.
  sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false })
  const connection = sdk.createConnection(options)
  connection.connect(failed => {
    if (failed) return refused(failed, 'login')
    say({ kind: 'logged in' })
    connection.execute({
      sqlText: CONTEXT,
      complete: (error, _, rows) =>
        error ? refused(error, 'query') : say({ kind: 'context', found: { ...rows?.[0] } }),
    })
  })
}

/** The driver tells one code for all that is wrong before the login, so that is found out without it. */
async function knock(job: TestRun, host: string): Promise<void> {
  const at = { host, port: 443 }
  const stream = await job.open(at)
  job.enter('tls')
  job.awaiting('the TLS handshake does not come to an end')
  const socket = await encrypt(stream, at, {})
  socket.destroy()
}

function optionsOf(job: TestRun, host: string): object {
  const { credentials } = job
  const role = optionalText(credentials, 'role')
  const schema = optionalText(credentials, 'default_schema')
  return {
    ...{ account: text(credentials, 'account_id'), accessUrl: `https://${host}`, application: 'dsctl' },
    ...{ username: text(credentials, 'username'), warehouse: text(credentials, 'warehouse_id') },
    ...{ database: text(credentials, 'default_database'), ...(schema && { schema }), ...(role && { role }) },
    ...{ timeout: job.left(), sfRetryMaxLoginRetries: 1, clientStoreTemporaryCredential: false },
  }
}

function loginOf(credentials: Credentials): object {
  const password = optionalText(credentials, 'password')
  if (password !== undefined) return { password }
  try {
    const passphrase = optionalText(credentials, 'private_key_passphrase')
    const key = createPrivateKey({ key: text(credentials, 'private_key'), ...(passphrase && { passphrase }) })
    return { authenticator: 'SNOWFLAKE_JWT', privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
  } catch {
    const message = 'private_key cannot be read: it must be in PEM form, and private_key_passphrase must open it.'
    throw new ConnectionFailure('auth_failed', message)
  }
}

/** A session begins whatever it is asked to use; what is not there, or may not be used, is then not set. */
function checkContext(job: TestRun, found: Readonly<Record<string, unknown>>): void {
  const { credentials } = job
  const asked = [
    ['warehouse', text(credentials, 'warehouse_id')],
    ['database', text(credentials, 'default_database')],
    ['schema', text(credentials, 'default_schema')],
  ] as const
  const missing = asked.find(([kind, name]) => name !== '' && !found[kind])
  if (!missing) return
  job.enter('database')
  const [kind, name] = missing
  throw new ConnectionFailure('database_not_found', `There is no ${kind} ${name}, or the role may not use it.`)
}

function refusal(job: TestRun, { at, number, code }: Extract<Heard, { kind: 'refused' }>): ConnectionFailure {
  if (at === 'login') return loginFailure(job, { number, code })
  return new ConnectionFailure('failed', `Snowflake refused the query${codeSuffix(number)}.`)
}

/** By number. Source: Snowflake documentation, error codes of the login. */
function loginFailure(job: TestRun, { number, code }: { number: string; code: string }): ConnectionFailure {
  const user = text(job.credentials, 'username')
  if (number === '390189' || number === '390186') {
    const message = `There is no role ${text(job.credentials, 'role')}, or ${user} may not use it.`
    return new ConnectionFailure('permission_denied', message)
  }
  if (/^39\d{4}$/.test(number)) {
    return new ConnectionFailure('auth_failed', `Snowflake refuses the login of ${user}${codeSuffix(number)}.`)
  }
  return new ConnectionFailure('failed', `Snowflake gave no usable answer to the login${codeSuffix(code || number)}.`)
}
