import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { driverCommand, INSTALLED_BIN, install } from '../support/drivers.ts'
import { json, start, temporaryFolder } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { type Site, site } from '../support/site.ts'
import { type SqlServer, sqlServer } from './support/sql-server.ts'

// A driver that dsctl does not bring along, installed as its message says, against a server of our own.

const PASSWORD = 'driver-canary-71fe'
const WRONG = 'driver-canary-wrong'
let here: Site

const DRIVERS = REAL_POSTGRES ? install({ tedious: 19 }) : new Set()
const TEDIOUS = DRIVERS.has('tedious')

beforeAll(async () => {
  if (REAL_POSTGRES) here = await site()
})
afterAll(() => here?.drop())

async function verdict(request: object) {
  const cwd = temporaryFolder()
  const stdin = JSON.stringify({ env: 'dev', name: 'Tested', ...request })
  const run = start([INSTALLED_BIN, 'test', '-f', '-', '-o', 'json'], { stdin, cwd, env: here.env })
  const result = await run.result
  for (const secret of [PASSWORD, WRONG, 'PRIVATE KEY']) expect(result.stdout + result.stderr).not.toContain(secret)
  expect(readdirSync(cwd)).toEqual([])
  const [found] = json(result)
  expect(result.stderr).toEqual(found.ok ? '' : jsonFailure)
  return found
}

const jsonFailure = expect.stringMatching(
  /^\{\n {2}"error": \{[^{}]*"message": "1 of 1 did not connect\."[^{}]*\}\n\}\n$/,
)

describe.runIf(TEDIOUS)('SQL Server, with tedious', () => {
  let server: SqlServer
  const version = 'Microsoft SQL Server 2022 (RTM) - 16.0.1000.6 (X64)'
  const base = () => ({
    ...{ type: 'sqlserver', host: '127.0.0.1', port: server.port, username: 'app', password: PASSWORD },
    ...{ default_database: 'main', encrypt: 'false' },
  })

  beforeAll(async () => {
    server = await sqlServer({ user: 'app', password: PASSWORD, database: 'main', version })
  })
  afterAll(() => server?.close())

  test.each([
    ['connects', {}, { ok: true, stage: 'query', server_version: 'Microsoft SQL Server 2022' }],
    ['finds the schema', { default_schema: 'dbo' }, { ok: true }],
    ['tells of a missing schema', { default_schema: 'nope' }, { stage: 'database', code: 'database_not_found' }],
    ['tells of a wrong password', { password: WRONG }, { stage: 'authenticate', code: 'auth_failed' }],
    ['tells of an unknown user', { username: 'nobody' }, { stage: 'authenticate', code: 'auth_failed' }],
    ['tells of a missing database', { default_database: 'nope' }, { stage: 'database', code: 'database_not_found' }],
    ['tells of a port where nothing listens', { port: 9 }, { stage: 'reach', code: 'unreachable' }],
  ])('%s', async (_, change, expected) => {
    expect(await verdict({ ...base(), ...change })).toMatchObject(expected)
  })

  test('never logs in without TLS where encrypt is on', async () => {
    const strict = await sqlServer({ user: 'app', password: PASSWORD, database: 'main', version })
    const request = { ...base(), port: strict.port, encrypt: undefined, trust_server_certificate: 'true' }
    expect(await verdict(request)).toMatchObject({ ok: false, stage: 'tls', code: 'tls_failed' })
    expect(strict.kinds.length).toBeGreaterThan(0)
    expect(strict.loggedIn()).toBe(false)
    strict.close()
  })
})

test.runIf(TEDIOUS)('a driver that is missing is told with the command by which it was installed here', async () => {
  const request = {
    type: 'sqlserver',
    host: 'h.example.com',
    username: 'u',
    password: PASSWORD,
    default_database: 'd',
  }
  const run = start(['--import', HIDING, INSTALLED_BIN, 'test', '-f', '-', '-o', 'json'], {
    stdin: JSON.stringify({ env: 'dev', name: 'Tested', ...request }),
    env: here.env,
  })
  expect(json(await run.result)).toMatchObject([
    { code: 'driver_missing', message: `The driver tedious is not installed: ${driverCommand('tedious@19')}` },
  ])
})

/** Has Node not find the driver, whether it is there or not. */
const HIDING = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`export async function resolve(name, context, next) {
    return next(name === 'tedious' ? 'a-driver-that-is-not-there' : name, context)
  }\`))`)}`
