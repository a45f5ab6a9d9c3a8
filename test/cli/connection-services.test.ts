import { generateKeyPairSync, randomInt } from 'node:crypto'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guardPrelogin } from '../../src/connectors/guard-prelogin.ts'
import { certificateFor } from '../support/certificate.ts'
import { isSignedBy } from '../support/google-token.ts'
import { listen } from '../support/listen.ts'
import { folderWith } from '../support/requests.ts'
import { json, spawnNode, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// Cloud services that cannot run locally. A fake server on port 443 responds as their documentation says.

const SECRET = 'service-canary-0b6e'
const WORKSPACE = 'workspace.services.test'
/** A host name unique to this machine, so that two runs do not conflict. */
const ADDRESS = `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`
const TOKEN = 'dapi-right'
const ACCOUNT = 'a@p.iam.gserviceaccount.com'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PREPARE = fileURLToPath(new URL('../support/resolve-to-test-address.cjs', import.meta.url))
/** Whether this user may listen on port 443. */
const MAY_LISTEN = process.getuid?.() === 0

let acme: Site
let env: Readonly<Record<string, string>>
const closing: (() => void)[] = []

beforeAll(async () => {
  acme = await createSite()
  if (MAY_LISTEN) env = await standIns()
})

afterAll(async () => {
  for (const close of closing) close()
  await acme?.drop()
})

async function standIns(): Promise<Readonly<Record<string, string>>> {
  const certificates = { workspace: certificateFor(WORKSPACE), google: certificateFor('bigquery.googleapis.com') }
  const folder = folderWith({ 'ca.pem': certificates.workspace.cert + certificates.google.cert })
  const server = createServer({ ...certificates.workspace }, (request, answer) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {}
      const token = (request.headers.authorization ?? '').replace('Bearer ', '')
      const of = request.headers.host === WORKSPACE ? databricks : bigquery
      const [status, reply] = of(`${request.method} ${request.url}`, token, body)
      answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
    })
  })
  server.addContext('bigquery.googleapis.com', certificates.google)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(443, ADDRESS, resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    NODE_OPTIONS: `--require ${PREPARE}`,
    DSCTL_TEST_ADDRESS: ADDRESS,
  }
}

type Answer = [status: number, body: unknown]

function databricks(call: string, token: string, body: { warehouse_id?: string; statement?: string }): Answer {
  if (call !== 'POST /api/2.0/sql/statements') return [404, { error_code: 'ENDPOINT_NOT_FOUND' }]
  if (token !== TOKEN) return [401, { error_code: 'UNAUTHENTICATED', message: `${token} is wrong` }]
  if (body.warehouse_id === 'denied') return [403, { error_code: 'PERMISSION_DENIED' }]
  if (body.warehouse_id === 'cold') return [200, { status: { state: 'CANCELED' } }]
  if (body.warehouse_id !== 'wh') return [404, { error_code: 'RESOURCE_DOES_NOT_EXIST' }]
  const failed = (message: string): Answer => [200, { status: { state: 'FAILED', error: { message } } }]
  if (body.statement?.includes('`no``pe`')) return failed(`[NO_SUCH_CATALOG_EXCEPTION] Catalog ${SECRET}`)
  if (body.statement?.includes('`hidden`')) return failed('[INSUFFICIENT_PERMISSIONS] Insufficient privileges')
  return [200, { status: { state: 'SUCCEEDED' }, result: { data_array: [['2026.30']] } }]
}

function bigquery(call: string, token: string): Answer {
  if (!isSignedBy(publicKey, ACCOUNT, token)) return [401, { error: { message: token } }]
  if (call === 'POST /bigquery/v2/projects/p/queries') return [200, { jobComplete: true }]
  if (call === 'GET /bigquery/v2/projects/p/datasets/ds') return [200, {}]
  if (call === 'GET /bigquery/v2/projects/p/datasets/closed') return [403, {}]
  return [404, { error: { errors: [{ reason: 'notFound' }] } }]
}

async function verdict(request: object) {
  const stdin = JSON.stringify({ env: 'dev', name: 'Tested', ...request })
  const result = await acme.spawnDsctl(['test', '-f', '-', '-o', 'json'], { stdin, env }).result
  for (const secret of [SECRET, TOKEN, 'PRIVATE KEY']) expect(result.stdout + result.stderr).not.toContain(secret)
  return json(result)[0]
}

describe.runIf(MAY_LISTEN)('Databricks', () => {
  const base = {
    ...{ type: 'databricks', host: WORKSPACE, api_key: TOKEN, warehouse_id: 'wh', default_catalog: 'main' },
    default_schema: 'default',
  }
  test.each([
    ['connects', {}, { ok: true, stage: 'query', server_version: 'Databricks SQL 2026.30' }],
    ['reports a wrong token', { api_key: SECRET }, { stage: 'authenticate', code: 'auth_failed' }],
    ['reports a missing warehouse', { warehouse_id: 'no' }, { stage: 'database', code: 'database_not_found' }],
    ['reports a warehouse of others', { warehouse_id: 'denied' }, { code: 'permission_denied' }],
    ['reports a warehouse that is starting', { warehouse_id: 'cold' }, { code: 'timeout' }],
    ['reports a missing catalog', { default_catalog: 'no`pe' }, { stage: 'database', code: 'database_not_found' }],
    ['reports a hidden schema', { default_schema: 'hidden' }, { stage: 'database', code: 'permission_denied' }],
    ['verifies the certificate', { host: `other.${WORKSPACE}` }, { stage: 'tls', code: 'tls_failed' }],
  ])('%s', async (_, change, expected) => {
    expect(await verdict({ ...base, ...change })).toMatchObject(expected)
  })
})

describe.runIf(MAY_LISTEN)('BigQuery', () => {
  const key = (key: string) => ({
    ...{ type: 'service_account', project_id: 'p', private_key_id: 'k', client_email: ACCOUNT },
    private_key: key,
  })
  const pem = (key: typeof privateKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
  const base = { type: 'bigquery', default_dataset: 'ds', service_account_key: key(pem(privateKey)) }
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const body = 'A'.repeat(64)
  const broken = `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`
  test.each([
    ['connects with a token that the key signs', {}, { ok: true, stage: 'query', server_version: null }],
    ['reports a key that Google refuses', { service_account_key: key(pem(stranger)) }, { code: 'auth_failed' }],
    ['reports a key that cannot sign', { service_account_key: key(broken) }, { code: 'auth_failed' }],
    ['reports a missing dataset', { default_dataset: 'no' }, { stage: 'database', code: 'database_not_found' }],
    ['reports a dataset of others', { default_dataset: 'closed' }, { stage: 'database', code: 'permission_denied' }],
  ])('%s', async (_, change, expected) => {
    expect(await verdict({ ...base, ...change })).toMatchObject(expected)
  })
})

describe('A driver that is not installed', () => {
  const SQL_SERVER = {
    type: 'sqlserver',
    host: 'h.example.com',
    username: 'u',
    password: SECRET,
    default_database: 'd',
  }

  test.each([
    ['tedious', SQL_SERVER],
    [
      'snowflake-sdk',
      {
        ...{ type: 'snowflake', account_id: 'a', warehouse_id: 'w', username: 'u', password: SECRET },
        ...{ default_database: 'd', custom_host: WORKSPACE },
      },
    ],
  ])('is reported with the command that installs it: %s', async (name, request) => {
    if (name === 'snowflake-sdk' && !MAY_LISTEN) return // loaded only after the host has responded
    const found = await verdict(request)
    expect(found).toMatchObject({ ok: false, code: 'driver_missing' })
    expect(found.message).toMatch(new RegExp(`^The driver ${name} is not installed: npm install .* ${name}@\\d+$`))
  })

  test.each([
    ['', 'npm install --no-save --save-prod --prefix HERE tedious@19 snowflake-sdk@3'],
    ['/_npx/1f', 'npx -p … -p tedious@19 -p snowflake-sdk@3 dsctl test …'],
    ['/lib', 'npm install --global tedious@19'],
    ['/app', 'npm install --prefix HERE tedious@19'],
  ])('the command keeps other drivers installed at %s', async (place, command) => {
    const folder = temporaryFolder() + place
    const dsctl = place === '' ? folder : join(folder, 'node_modules/dsctl')
    for (const part of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, part), join(dsctl, part), { recursive: true })
    mkdirSync(join(folder, 'node_modules/snowflake-sdk'), { recursive: true })
    writeFileSync(join(folder, 'node_modules/snowflake-sdk/package.json'), '{}')
    const stdin = JSON.stringify({ env: 'dev', name: 'Tested', ...SQL_SERVER })
    const run = spawnNode([join(dsctl, 'bin/dsctl.js'), 'test', '-f', '-', '-o', 'json'], { stdin, env: acme.env })
    const message = `The driver tedious is not installed: ${command.replace('HERE', folder)}`
    expect(json(await run.result)).toMatchObject([{ code: 'driver_missing', message }])
  })
})

describe('The first response of a SQL Server', () => {
  /** A PRELOGIN response with this encryption value. */
  const prelogin = (encryption: number) =>
    Buffer.from([4, 1, 0, 20, 0, 0, 1, 0, 1, 0, 11, 0, 1, 255, 0, 0, 0, 0, 0, encryption])

  async function watched(answer: Buffer, encrypt: boolean) {
    const sockets: Socket[] = []
    const server = createTcpServer(socket => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.write(answer.subarray(0, 9))
      setTimeout(() => socket.write(answer.subarray(9)), 20)
    })
    const address = { host: '127.0.0.1', port: await listen(server) }
    closing.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    let failure: Error | undefined
    const onFailure = (error: Error) => {
      failure = error
    }
    const stream = guardPrelogin(connect(address), { address, encrypt, onFailure })
    return new Promise<Buffer | Error | undefined>(resolve => {
      stream.on('error', () => resolve(failure))
      stream.on('data', resolve)
      stream.on('close', () => resolve(failure))
    })
  }

  test.each([
    [0, false],
    [1, true],
    [2, false],
    [3, true],
  ])('encryption %i is accepted if encrypt is on: %s', async (encryption, passed) => {
    const heard = await watched(prelogin(encryption), true)
    if (passed) expect(heard).toEqual(prelogin(encryption))
    else expect(heard).toMatchObject({ code: 'tls_failed', message: expect.stringContaining('does not support TLS') })
  })

  test('is always accepted if encrypt is off, except garbage', async () => {
    expect(await watched(prelogin(2), false)).toEqual(prelogin(2))
    expect(await watched(Buffer.from('HTTP/1.1 400 Bad Request'), true)).toMatchObject({ code: 'failed' })
  })
})
