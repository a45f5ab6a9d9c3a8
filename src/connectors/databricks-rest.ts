import { valueAt } from '../lib/value-at.ts'
import { ConnectionFailure, codeSuffix } from './connection-failure.ts'
import { optionalText, type TestRun, text } from './driver.ts'
import { type HttpResponse, openHttps, type SendHttp } from './https.ts'

/** Tests Databricks through its SQL Statement Execution API. Source: REST reference, /api/2.0/sql/statements. */
export async function testDatabricksRest(run: TestRun): Promise<string | null> {
  const { credentials } = run
  const send = await openHttps(run, text(credentials, 'host'))
  await execute(run, send, 'SELECT 1')
  run.enterStage('database')
  const catalog = text(credentials, 'default_catalog')
  await execute(run, send, `DESCRIBE CATALOG ${quoteIdentifier(catalog)}`)
  const schema = optionalText(credentials, 'default_schema')
  if (schema !== undefined) {
    await execute(run, send, `DESCRIBE SCHEMA ${quoteIdentifier(catalog)}.${quoteIdentifier(schema)}`)
  }
  run.enterStage('query')
  const { body } = await execute(run, send, 'SELECT current_version().dbsql_version')
  const version = /^\d[\w.]*$/.exec(String(valueAt(body, 'result', 'data_array', 0, 0) ?? ''))?.[0]
  return version === undefined ? null : `Databricks SQL ${version}`
}

async function execute(run: TestRun, send: SendHttp, statement: string): Promise<HttpResponse> {
  const { credentials } = run
  const warehouse = text(credentials, 'warehouse_id')
  run.setTimeoutReason(`warehouse ${warehouse} did not respond; it may be starting, which takes minutes`)
  // The API accepts 5 to 50 seconds.
  const wait = Math.min(50, Math.max(5, Math.floor(run.remainingMs() / 1000)))
  const response = await send({
    ...{ method: 'POST', path: '/api/2.0/sql/statements', token: text(credentials, 'api_key') },
    body: { warehouse_id: warehouse, statement, wait_timeout: `${wait}s`, on_wait_timeout: 'CANCEL' },
  })
  const failure = requestFailure(run, response) ?? statementFailure(run, response)
  if (failure) throw failure
  return response
}

function requestFailure(run: TestRun, { status, body }: HttpResponse): ConnectionFailure | undefined {
  const warehouse = text(run.credentials, 'warehouse_id')
  const code = String(valueAt(body, 'error_code') ?? '')
  if (status === 401 || (status === 403 && code !== 'PERMISSION_DENIED')) {
    return new ConnectionFailure('auth_failed', 'Databricks rejected api_key: it is wrong, expired or revoked.')
  }
  if (status === 403) {
    const message = `The token is not allowed to use warehouse ${warehouse}.`
    return new ConnectionFailure('permission_denied', message)
  }
  if (status === 404 || (status === 400 && /warehouse|endpoint/i.test(String(valueAt(body, 'message'))))) {
    run.enterStage('database')
    return new ConnectionFailure('database_not_found', `The workspace has no SQL warehouse ${warehouse}.`)
  }
  if (status === 200 && valueAt(body, 'status', 'state') !== undefined) return undefined
  const problem = status === 200 ? 'answered, but is not Databricks' : `answered ${status}${codeSuffix(code)}`
  return new ConnectionFailure('failed', `${text(run.credentials, 'host')} ${problem}. Check host.`)
}

function statementFailure(run: TestRun, { body }: HttpResponse): ConnectionFailure | undefined {
  const state = valueAt(body, 'status', 'state')
  if (state === 'SUCCEEDED') return undefined
  if (state !== 'FAILED') {
    const message = 'The warehouse did not run the statement in time. It may be starting.'
    return new ConnectionFailure('timeout', message)
  }
  // A message starts with an error class, for example "[SCHEMA_NOT_FOUND] The schema …".
  const message = String(valueAt(body, 'status', 'error', 'message') ?? '')
  const errorClass = /^\[?([A-Z_]+)/.exec(message)?.[1] ?? String(valueAt(body, 'status', 'error', 'error_code') ?? '')
  const { credentials } = run
  const schema = optionalText(credentials, 'default_schema')
  const place = `catalog ${text(credentials, 'default_catalog')}${schema ? ` or schema ${schema}` : ''}`
  if (/NOT_FOUND|NO_SUCH|DOES_NOT_EXIST/.test(errorClass)) {
    return new ConnectionFailure('database_not_found', `The workspace has no ${place}.`)
  }
  if (/PERMISSION|PRIVILEGE|DENIED/.test(errorClass)) {
    return new ConnectionFailure('permission_denied', `The token is not allowed to use ${place}.`)
  }
  return new ConnectionFailure('failed', `Databricks rejected a statement${codeSuffix(errorClass)}.`)
}

function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
