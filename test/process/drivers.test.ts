import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installed, install } from '../support/drivers.ts'
import { json, spawnNode, temporaryFolder } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { createSite, type Site } from '../support/site.ts'
import { type SqlServer, sqlServer } from '../support/sql-server.ts'
import { sqlServerBrowser } from '../support/sql-server-browser.ts'

// A driver that is not part of dsctl, installed as the message says, with a fake server.

const PASSWORD = 'driver-canary-71fe'
const WRONG = 'driver-canary-wrong'
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SQL_SERVER = {
  type: 'sqlserver',
  host: 'h.example.com',
  username: 'u',
  password: PASSWORD,
  default_database: 'd',
}
let site: Site

const INSTALLED: Installed | undefined = REAL_POSTGRES ? install('tedious@19') : undefined
const TEDIOUS = INSTALLED?.drivers.has('tedious') === true
const BIN = INSTALLED?.bin ?? ''

beforeAll(async () => {
  if (REAL_POSTGRES) site = await createSite()
})
afterAll(() => site?.drop())

async function testResult(request: object) {
  const cwd = temporaryFolder()
  const stdin = JSON.stringify({ env: 'dev', name: 'Tested', ...request })
  const run = spawnNode([BIN, 'test', '-f', '-', '-o', 'json'], { stdin, cwd, env: site.env })
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
    ['connects', {}, { ok: true, stage: 'query', server_version: 'Microsoft SQL Server 2022 (16.0.1000.6)' }],
    ['finds the schema', { default_schema: 'dbo' }, { ok: true }],
    ['reports a missing schema', { default_schema: 'nope' }, { stage: 'database', code: 'database_not_found' }],
    ['reports a wrong password', { password: WRONG }, { stage: 'authenticate', code: 'auth_failed' }],
    ['reports an unknown user', { username: 'nobody' }, { stage: 'authenticate', code: 'auth_failed' }],
    ['reports a missing database', { default_database: 'nope' }, { stage: 'database', code: 'database_not_found' }],
    ['reports a port without a listener', { port: 9 }, { stage: 'reach', code: 'unreachable' }],
  ])('%s', async (_, change, expected) => {
    expect(await testResult({ ...base(), ...change })).toMatchObject(expected)
  })

  test('an explicit port overrides the instance, which is then not looked up', async () => {
    const browser = await sqlServerBrowser('127.7.1.1', { SALES: 9 })
    const found = await testResult({ ...base(), host: '127.7.1.1', instance: 'SALES' })
    expect(found).toMatchObject({ ok: true, stage: 'query' })
    expect(browser.requests()).toBe(0)
    browser.close()
  })

  test.each([
    ['no port', undefined],
    ['the default port', 1433],
  ])('looks up the instance with %s', async (_, port) => {
    const browser = await sqlServerBrowser('127.7.1.2', { OTHER: 9, SALES: server.port })
    const request = { ...base(), host: '127.7.1.2', port }
    expect(await testResult({ ...request, instance: 'sales' })).toMatchObject({ ok: true, stage: 'query' })
    expect(await testResult({ ...request, instance: 'NONE' })).toMatchObject({
      ...{ stage: 'reach', code: 'unreachable' },
      message: expect.stringContaining('Instance NONE was not found by SQL Server Browser. Set port.'),
    })
    browser.close()
  })

  test('uses the default port if the instance cannot be looked up', async () => {
    const standard = await sqlServer(
      { user: 'app', password: PASSWORD, database: 'main', version },
      { host: '127.7.1.3', port: 1433 },
    )
    const found = await testResult({ ...base(), host: '127.7.1.3', port: 1433, instance: 'SALES' })
    expect(found).toMatchObject({ ok: true, stage: 'query' })
    standard.close()
  })

  test('never logs in without TLS if encrypt is on', async () => {
    const strict = await sqlServer({ user: 'app', password: PASSWORD, database: 'main', version })
    const request = { ...base(), port: strict.port, encrypt: undefined, trust_server_certificate: 'true' }
    expect(await testResult(request)).toMatchObject({ ok: false, stage: 'tls', code: 'tls_failed' })
    expect(strict.kinds.length).toBeGreaterThan(0)
    expect(strict.loggedIn()).toBe(false)
    strict.close()
  })
})

test.runIf(TEDIOUS)('reports a missing driver with the command that installs it', async () => {
  const run = spawnNode(['--import', HIDING, BIN, 'test', '-f', '-', '-o', 'json'], {
    stdin: JSON.stringify({ env: 'dev', name: 'Tested', ...SQL_SERVER }),
    env: site.env,
  })
  expect(json(await run.result)).toMatchObject([
    {
      code: 'driver_missing',
      message: `The driver tedious is not installed: ${`npm install --prefix ${INSTALLED?.folder} tedious@19`}`,
    },
  ])
})

test.runIf(TEDIOUS)('npm would install the driver by the command that a clone prints', async () => {
  const clone = temporaryFolder()
  for (const part of ['bin', 'dist']) cpSync(join(ROOT, part), join(clone, part), { recursive: true })
  const { dependencies, devDependencies, scripts, ...manifest } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  )
  writeFileSync(join(clone, 'package.json'), JSON.stringify(manifest))
  const lock = { name: 'dsctl', lockfileVersion: 3, requires: true, packages: { '': manifest } }
  writeFileSync(join(clone, 'package-lock.json'), JSON.stringify(lock))
  const stdin = JSON.stringify({ env: 'dev', name: 'Tested', ...SQL_SERVER })
  const run = spawnNode([join(clone, 'bin/dsctl.js'), 'test', '-f', '-', '-o', 'json'], { stdin, env: site.env })
  const [{ code, message }] = json(await run.result)
  expect(code).toBe('driver_missing')
  const [npm = '', ...args] = message.replace(/^.*?: /, '').split(' ')
  const env = { ...process.env, npm_config_dry_run: 'true', npm_config_prefer_offline: 'true' }
  expect(spawnSync(npm, args, { env, encoding: 'utf8', timeout: 50_000 }).stdout).toMatch(/^added \d+ packages/m)
})

/** Makes Node not find the driver, even if it is installed. */
const HIDING = `data:text/javascript,${encodeURIComponent(`
  import Module from 'node:module'
  const resolve = Module._resolveFilename
  Module._resolveFilename = (name, ...rest) =>
    resolve(name === 'tedious' ? 'a-driver-that-is-not-there' : name, ...rest)`)}`
