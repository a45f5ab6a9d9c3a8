import { createSign } from 'node:crypto'
import type { Credentials } from '../domain/secret.ts'
import { valueAt } from '../lib/value-at.ts'
import { ConnectionFailure, codeSuffix } from './connection-failure.ts'
import { optionalText, type TestRun, text } from './driver.ts'
import { type HttpResponse, openHttps } from './https.ts'

const HOST = 'bigquery.googleapis.com'

/** Tests BigQuery through its API v2. Source: BigQuery REST reference, datasets.get and jobs.query. */
export async function testBigqueryRest(run: TestRun): Promise<string | null> {
  const { credentials } = run
  const token = signToken(credentials)
  const send = await openHttps(run, HOST)
  const project = `/bigquery/v2/projects/${encodeURIComponent(text(credentials, 'project_id'))}`
  const dataset = text(credentials, 'default_dataset')
  const found = await send({ method: 'GET', path: `${project}/datasets/${encodeURIComponent(dataset)}`, token })
  throwIfFailed(run, found)
  run.enterStage('query')
  run.setTimeoutReason('BigQuery did not finish the query')
  const location = optionalText(credentials, 'location')
  const body = { query: 'SELECT 1', useLegacySql: false, timeoutMs: run.remainingMs(), ...(location && { location }) }
  const response = await send({ method: 'POST', path: `${project}/queries`, token, body })
  throwIfFailed(run, response)
  if (valueAt(response.body, 'jobComplete') === true) return null
  throw new ConnectionFailure('timeout', 'BigQuery did not finish the query in time.')
}

/**
 * Signs a token with the service account's key, without a call to the token endpoint. Source: Google's AIP-4111,
 * "Self-signed JWT".
 */
function signToken(credentials: Credentials): string {
  const raw = credentials.service_account_key?.reveal()
  const key = (typeof raw === 'string' ? JSON.parse(raw) : raw) as Readonly<Record<string, string>>
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: key.client_email, sub: key.client_email, aud: `https://${HOST}/`, iat: now, exp: now + 3600 }
  const header = { alg: 'RS256', typ: 'JWT', kid: key.private_key_id }
  const payload = [header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  try {
    return `${payload}.${createSign('RSA-SHA256').update(payload).sign(String(key.private_key), 'base64url')}`
  } catch {
    throw new ConnectionFailure('auth_failed', 'The private_key in service_account_key cannot be used to sign.')
  }
}

function throwIfFailed(run: TestRun, { status, body }: HttpResponse): void {
  const { credentials } = run
  const dataset = text(credentials, 'default_dataset')
  const project = text(credentials, 'project_id')
  if (status === 200) return
  if (status === 401) {
    const reason = "the key is deleted or disabled, or this machine's clock is wrong"
    throw new ConnectionFailure('auth_failed', `Google rejected service_account_key: ${reason}.`)
  }
  run.enterStage('database')
  if (status === 403) {
    const roles = 'roles/bigquery.jobUser on the project and roles/bigquery.dataViewer on the dataset'
    const message = `The service account is not allowed to use ${project}.${dataset}. Grant it ${roles}.`
    throw new ConnectionFailure('permission_denied', message)
  }
  if (status === 404) {
    const where = optionalText(credentials, 'location') ? ', or it is not in that location' : ''
    const message = `The project ${project} has no dataset ${dataset}${where}.`
    throw new ConnectionFailure('database_not_found', message)
  }
  const reason = valueAt(body, 'error', 'errors', 0, 'reason')
  throw new ConnectionFailure('failed', `BigQuery answered ${status}${codeSuffix(String(reason ?? ''))}.`)
}
