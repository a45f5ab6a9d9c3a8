import { createSign } from 'node:crypto'
import type { Credentials } from '../domain/secret.ts'
import { ConnectionFailure, codeSuffix } from './connection-failure.ts'
import { at, type HttpResponse, openHttps } from './https.ts'
import { optionalText, type TestRun, text } from './test-run.ts'

const HOST = 'bigquery.googleapis.com'

/** The BigQuery API v2. Source: BigQuery REST reference, datasets.get and jobs.query. */
export async function testBigqueryRest(job: TestRun): Promise<string | null> {
  const { credentials } = job
  const token = signedToken(credentials)
  const send = await openHttps(job, HOST)
  const project = `/bigquery/v2/projects/${encodeURIComponent(text(credentials, 'project_id'))}`
  const dataset = text(credentials, 'default_dataset')
  const found = await send({ method: 'GET', path: `${project}/datasets/${encodeURIComponent(dataset)}`, token })
  throwRefusal(job, found)
  job.enter('query')
  job.awaiting('BigQuery does not come to an end with the query')
  const location = optionalText(credentials, 'location')
  const body = { query: 'SELECT 1', useLegacySql: false, timeoutMs: job.left(), ...(location && { location }) }
  const answer = await send({ method: 'POST', path: `${project}/queries`, token, body })
  throwRefusal(job, answer)
  if (at(answer.body, 'jobComplete') === true) return null
  throw new ConnectionFailure('timeout', 'BigQuery did not come to an end with the query in time.')
}

/**
 * A token that the service account signs for itself, so that the token endpoint is not needed. Source: Google's
 * AIP-4111, "Self-signed JWT".
 */
function signedToken(credentials: Credentials): string {
  const raw = credentials.service_account_key?.reveal()
  const key = (typeof raw === 'string' ? JSON.parse(raw) : raw) as Readonly<Record<string, string>>
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: key.client_email, sub: key.client_email, aud: `https://${HOST}/`, iat: now, exp: now + 3600 }
  const head = { alg: 'RS256', typ: 'JWT', kid: key.private_key_id }
  const signed = [head, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  try {
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(String(key.private_key), 'base64url')}`
  } catch {
    throw new ConnectionFailure('auth_failed', 'The private_key in service_account_key cannot be used to sign.')
  }
}

function throwRefusal(job: TestRun, { status, body }: HttpResponse): void {
  const { credentials } = job
  const dataset = text(credentials, 'default_dataset')
  const project = text(credentials, 'project_id')
  if (status === 200) return
  if (status === 401) {
    const why = 'it is deleted or disabled, or the clock of this machine is wrong'
    throw new ConnectionFailure('auth_failed', `Google refuses service_account_key: ${why}.`)
  }
  job.enter('database')
  if (status === 403) {
    const roles = 'roles/bigquery.jobUser on the project, and roles/bigquery.dataViewer on the dataset'
    const message = `The service account may not use ${project}.${dataset}: it takes ${roles}.`
    throw new ConnectionFailure('permission_denied', message)
  }
  if (status === 404) {
    const where = optionalText(credentials, 'location') ? ', or not in that location' : ''
    const message = `There is no dataset ${dataset} in the project ${project}${where}.`
    throw new ConnectionFailure('database_not_found', message)
  }
  const reason = at(body, 'error', 'errors', 0, 'reason')
  throw new ConnectionFailure('failed', `BigQuery answers ${status}${codeSuffix(String(reason ?? ''))}.`)
}
