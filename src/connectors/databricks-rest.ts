import { ConnectionFailure, codeSuffix } from './connection-failure.ts'
import { at, type HttpRequest, type HttpResponse, openHttps } from './https.ts'
import { optionalText, type TestRun, text } from './test-run.ts'

/** The SQL Statement Execution API. Source: Databricks REST API reference, /api/2.0/sql/statements. */
export async function testDatabricksRest(job: TestRun): Promise<string | null> {
  const { credentials } = job
  const send = await openHttps(job, text(credentials, 'host'))
  const run = (statement: string) => execute(job, send, statement)
  await run('SELECT 1')
  job.enter('database')
  const catalog = text(credentials, 'default_catalog')
  await run(`DESCRIBE CATALOG ${quoted(catalog)}`)
  const schema = optionalText(credentials, 'default_schema')
  if (schema !== undefined) await run(`DESCRIBE SCHEMA ${quoted(catalog)}.${quoted(schema)}`)
  job.enter('query')
  const { body } = await run('SELECT current_version().dbsql_version')
  const version = /^\d[\w.]*$/.exec(String(at(body, 'result', 'data_array', 0, 0) ?? ''))?.[0]
  return version === undefined ? null : `Databricks SQL ${version}`
}

async function execute(
  job: TestRun,
  send: (asked: HttpRequest) => Promise<HttpResponse>,
  statement: string,
): Promise<HttpResponse> {
  const { credentials } = job
  const warehouse = text(credentials, 'warehouse_id')
  job.awaiting(`the warehouse ${warehouse} does not answer: it may be starting, which takes minutes`)
  // How long the service may wait is 5 to 50 seconds, by its own rule.
  const wait = Math.min(50, Math.max(5, Math.floor(job.left() / 1000)))
  const answer = await send({
    ...{ method: 'POST', path: '/api/2.0/sql/statements', token: text(credentials, 'api_key') },
    body: { warehouse_id: warehouse, statement, wait_timeout: `${wait}s`, on_wait_timeout: 'CANCEL' },
  })
  const failure = refusal(job, answer) ?? statementFailure(job, answer)
  if (failure) throw failure
  return answer
}

function refusal(job: TestRun, { status, body }: HttpResponse): ConnectionFailure | undefined {
  const warehouse = text(job.credentials, 'warehouse_id')
  const code = String(at(body, 'error_code') ?? '')
  if (status === 401 || (status === 403 && code !== 'PERMISSION_DENIED')) {
    return new ConnectionFailure('auth_failed', 'Databricks refuses api_key: it is wrong, expired or revoked.')
  }
  if (status === 403) {
    return new ConnectionFailure('permission_denied', `The token may not use the warehouse ${warehouse}.`)
  }
  if (status === 404 || (status === 400 && /warehouse|endpoint/i.test(String(at(body, 'message'))))) {
    job.enter('database')
    return new ConnectionFailure('database_not_found', `The workspace has no SQL warehouse ${warehouse}.`)
  }
  if (status === 200 && at(body, 'status', 'state') !== undefined) return undefined
  const what = status === 200 ? 'answers, but not as Databricks does' : `answers ${status}${codeSuffix(code)}`
  return new ConnectionFailure('failed', `${text(job.credentials, 'host')} ${what}: check host.`)
}

function statementFailure(job: TestRun, { body }: HttpResponse): ConnectionFailure | undefined {
  const state = at(body, 'status', 'state')
  if (state === 'SUCCEEDED') return undefined
  if (state !== 'FAILED') {
    return new ConnectionFailure('timeout', 'The warehouse did not run the statement in time: it may be starting.')
  }
  // An error class in brackets stands at the beginning: [SCHEMA_NOT_FOUND] The schema …
  const message = String(at(body, 'status', 'error', 'message') ?? '')
  const name = /^\[?([A-Z_]+)/.exec(message)?.[1] ?? String(at(body, 'status', 'error', 'error_code') ?? '')
  const { credentials } = job
  const schema = optionalText(credentials, 'default_schema')
  const where = `catalog ${text(credentials, 'default_catalog')}${schema ? ` or schema ${schema}` : ''}`
  if (/NOT_FOUND|NO_SUCH|DOES_NOT_EXIST/.test(name)) {
    return new ConnectionFailure('database_not_found', `The workspace has no ${where}.`)
  }
  if (/PERMISSION|PRIVILEGE|DENIED/.test(name)) {
    return new ConnectionFailure('permission_denied', `The token may not use ${where}.`)
  }
  return new ConnectionFailure('failed', `Databricks refused a statement${codeSuffix(name)}.`)
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
