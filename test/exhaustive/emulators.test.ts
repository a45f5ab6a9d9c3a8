import { generateKeyPairSync, randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authority } from '../support/certificate.ts'
import { install } from '../support/drivers.ts'
import { EMULATORS, type Emulator, startEmulator, stopEmulators } from '../support/emulators.ts'
import { type Front, front } from '../support/front.ts'
import { isSignedBy } from '../support/google-token.ts'
import { folderWith } from '../support/requests.ts'
import { json, spawnNode, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// Emulators of cloud services, tested with the drivers that users install.

const PASSWORD = 'emulator-canary-19c4'
const WRONG = 'emulator-canary-wrong'
const ACCOUNT = 'a@p.iam.gserviceaccount.com'
const WORKSPACE = 'workspace.services.test'
/** A random loopback address, so that two runs at the same time do not collide. */
const ADDRESS = `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`
const HERE = fileURLToPath(new URL('../support', import.meta.url))
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

/** Services are on port 443, where only root may listen. */
const RUNS = EMULATORS !== undefined && process.getuid?.() === 0
const INSTALLED = RUNS ? install('tedious@19', 'snowflake-sdk@3') : undefined

test.runIf(process.env.DSCTL_TEST_REQUIRE_SERVERS)('everything that these tests need is installed', () => {
  expect(EMULATORS, 'DSCTL_TEST_EMULATORS is what .ci/install-emulators prints').toBeDefined()
  expect(INSTALLED?.drivers).toEqual(new Set(['tedious', 'snowflake-sdk']))
})

type Fields = Readonly<Record<string, unknown>>

let acme: Site
let services: Front
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  if (!RUNS) return
  const [snowflake, bigquery, databricks] = await Promise.all([startSnowflake(), startBigquery(), startDatabricks()])
  acme = await createSite()
  services = await front(ADDRESS, {
    [ADDRESS]: snowflake,
    [WORKSPACE]: databricks,
    'bigquery.googleapis.com': {
      ...bigquery,
      refuse: ({ authorization }) => (isSignedBy(publicKey, ACCOUNT, authorization) ? undefined : 401),
    },
  })
  env = {
    NODE_EXTRA_CA_CERTS: join(folderWith({ 'ca.pem': services.ca }), 'ca.pem'),
    NODE_OPTIONS: `--require ${join(HERE, 'resolve-to-test-address.cjs')}`,
    DSCTL_TEST_ADDRESS: ADDRESS,
  }
})

afterAll(async () => {
  services?.close()
  stopEmulators()
  await acme?.drop()
})

/** The result of `dsctl test` for a request. Checks that it leaves no file behind and prints nothing else. */
async function testResult(request: Fields, more: Readonly<Record<string, string>> = env) {
  const [cwd, home, tmp] = [temporaryFolder(), temporaryFolder(), temporaryFolder()]
  const stdin = JSON.stringify({ env: 'dev', name: 'Tested', ...request })
  const args = [INSTALLED?.bin ?? '', 'test', '-f', '-', '-o', 'json']
  const result = await spawnNode(args, { stdin, cwd, home, env: { ...acme.env, TMPDIR: tmp, ...more } }).result
  for (const secret of [PASSWORD, WRONG, 'PRIVATE KEY']) expect(result.stdout + result.stderr).not.toContain(secret)
  const left = [cwd, home, tmp].flatMap(folder => readdirSync(folder, { recursive: true, encoding: 'utf8' }))
  expect(left.filter(path => !path.startsWith(COMPILED))).toEqual([])
  const [found] = json(result)
  expect(result.stderr).toEqual(found.ok ? '' : expect.stringMatching(ONE_FAILED))
  return found
}

/** The compile cache that dsctl enables on later versions of Node. */
const COMPILED = 'node-compile-cache'
const ONE_FAILED = /^\{\n {2}"error": \{[^{}]*"message": "1 of 1 did not connect\."[^{}]*\}\n\}\n$/

/** Each case changes a request that connects. */
function cases(base: () => Fields, table: Readonly<Record<string, readonly [change: Fields, expected: Fields]>>): void {
  test.each(Object.entries(table))('%s', async (_, [change, expected]) => {
    expect(await testResult({ ...base(), ...change })).toMatchObject(expected)
  })
}

const pem = (key: typeof privateKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const denied = { stage: 'authenticate', code: 'auth_failed' }
const absent = { stage: 'database', code: 'database_not_found' }

function startSnowflake(): Promise<Emulator> {
  const known = {
    ...{ user: 'APP', password: PASSWORD, public_key: publicKey.export({ type: 'spki', format: 'pem' }) },
    ...{ role: 'ANALYST', warehouse: 'WH', database: 'SALES', schema: 'PUBLIC' },
  }
  const args = (port: number) => ['python', join(HERE, 'checking-fakesnow.py'), String(port)] as const
  return startEmulator('snowflake', args, { KNOWN: JSON.stringify(known) })
}

describe.runIf(RUNS)('Snowflake (fakesnow), with snowflake-sdk', () => {
  const base = () => ({
    ...{ type: 'snowflake', account_id: 'acme', custom_host: ADDRESS, username: 'APP', password: PASSWORD },
    ...{ warehouse_id: 'WH', default_database: 'SALES', default_schema: 'PUBLIC', role: 'ANALYST' },
  })
  const locked = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSWORD })
  const keyed = { password: undefined, private_key: locked, private_key_passphrase: PASSWORD }

  cases(base, {
    connects: [{}, { ok: true, stage: 'query', server_version: 'Snowflake 10.0.0' }],
    'connects with a key': [keyed, { ok: true }],
    'reports a wrong password': [{ password: WRONG }, denied],
    'reports an unknown user': [{ username: 'NOBODY' }, denied],
    'reports the key of another account': [{ password: undefined, private_key: pem(stranger) }, denied],
    'reports a role that the user does not have': [
      { role: 'NOPE' },
      { stage: 'authenticate', code: 'permission_denied' },
    ],
    'reports a missing warehouse': [{ warehouse_id: 'NOPE' }, absent],
    'reports a missing database': [{ default_database: 'NOPE' }, absent],
    'reports a missing schema': [{ default_schema: 'NOPE' }, absent],
    'reports a certificate for another name': [
      { custom_host: `other.${WORKSPACE}` },
      { stage: 'tls', code: 'tls_failed' },
    ],
  })
})

async function startBigquery(): Promise<Emulator> {
  const args = (port: number) => ['crucible', 'serve', '--dialect', 'bigquery', '--port', String(port)] as const
  const emulator = await startEmulator('bigquery', args)
  const made = await fetch(`http://127.0.0.1:${emulator.port}/bigquery/v2/projects/p/datasets`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ datasetReference: { projectId: 'p', datasetId: 'ds' } }),
  })
  expect(made.status).toBe(200)
  return emulator
}

describe.runIf(RUNS)('BigQuery (crucible), behind a proxy that checks the key', () => {
  const key = (key: typeof privateKey) => ({
    ...{ type: 'service_account', project_id: 'p', private_key_id: 'k', client_email: ACCOUNT },
    private_key: pem(key),
  })
  const base = () => ({ type: 'bigquery', default_dataset: 'ds', service_account_key: key(privateKey) })

  cases(base, {
    connects: [{}, { ok: true, stage: 'query', server_version: null }],
    'connects in a location': [{ location: 'EU' }, { ok: true }],
    'reports the key of another account': [{ service_account_key: key(stranger) }, denied],
    'reports a missing dataset': [{ default_dataset: 'nope' }, absent],
  })
})

function startDatabricks(): Promise<Emulator> {
  const args = (port: number) => ['--port', String(port), '--auth', 'strict', '--token', PASSWORD]
  return startEmulator('databricks', port => ['semblance-databricks', 'serve', ...args(port)])
}

describe.runIf(RUNS)('Databricks (semblance)', () => {
  const base = () => ({
    ...{ type: 'databricks', host: WORKSPACE, api_key: PASSWORD, warehouse_id: 'wh-acme', default_catalog: 'main' },
    default_schema: 'default',
  })

  cases(base, {
    connects: [{}, { ok: true, stage: 'query', server_version: null }],
    'reports a wrong token': [{ api_key: WRONG }, denied],
    'reports a missing warehouse': [{ warehouse_id: 'nope' }, absent],
  })
})

const SERVE_SQL_SERVER = `
import sys
from pysqlbridge import catalog, certificate, logins, server
config, cert, key, port = sys.argv[1:]
pair, tables = certificate.load(cert, key), catalog.load(config)
server.serve(port=int(port), certificate=pair, query_handler=tables.answer, logins=logins.load(config))
`

describe.runIf(RUNS)('SQL Server (pysqlbridge), with tedious', () => {
  let port: number
  const signer = authority()
  const base = () => ({
    ...{ type: 'sqlserver', host: '127.0.0.1', port, username: 'app', password: PASSWORD },
    default_database: 'master',
  })
  const trusting = () => ({ NODE_EXTRA_CA_CERTS: join(folderWith({ 'ca.pem': signer.cert }), 'ca.pem') })

  beforeAll(async () => {
    const { key, cert } = signer.certificateFor('127.0.0.1')
    const config = { tables: [{ name: 't', json: 't.json' }], logins: [{ user: 'app', password: PASSWORD }] }
    const files = { 'config.json': JSON.stringify(config), 't.json': '[{"a":1}]', 'cert.pem': cert, 'key.pem': key }
    const folder = folderWith(files)
    const paths = ['config.json', 'cert.pem', 'key.pem'].map(name => join(folder, name))
    const args = (port: number) => ['python', '-c', SERVE_SQL_SERVER, ...paths, String(port)] as const
    port = (await startEmulator('sqlserver', args)).port
  })

  test.each<[string, Fields, Fields]>([
    ['connects, encrypted and verified', {}, { ok: true, server_version: 'Microsoft SQL Server 2025 (17.0.1000.0)' }],
    ['reports a wrong password', { password: WRONG }, denied],
    ['reports an unknown user', { username: 'nobody' }, denied],
    ['reports a certificate for another name', { host: 'localhost' }, { stage: 'tls', code: 'tls_failed' }],
  ])('%s', async (_, change, expected) => {
    expect(await testResult({ ...base(), ...change }, trusting())).toMatchObject(expected)
  })

  test('accepts the certificate of an unknown authority only with trust_server_certificate', async () => {
    expect(await testResult(base(), {})).toMatchObject({ stage: 'tls', code: 'tls_failed' })
    expect(await testResult({ ...base(), trust_server_certificate: 'true' }, {})).toMatchObject({ ok: true })
  })
})
