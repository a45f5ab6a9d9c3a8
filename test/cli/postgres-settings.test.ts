import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIBPQ_PARAMETERS } from '../../src/domain/libpq-parameters.ts'
import { type Authority, authority, type Certificate } from '../support/certificate.ts'
import { type Gate, type GateOptions, postgresGate } from '../support/postgres-gate.ts'
import { dsctl, jsonError, type RunOptions, type RunResult, spawnDsctl, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// How dsctl reads the connection parameters of libpq: from URLs, service files and PG* variables.

const PASSWORD = 'gate-canary-7c1'

let acme: Site
let database: string
let root: Authority
let pair: Certificate
const gates: Gate[] = []

beforeAll(async () => {
  acme = await createSite()
  database = new URL(acme.database.url).pathname.slice(1)
  root = authority()
  pair = root.certificateFor('localhost')
})

afterAll(async () => {
  for (const gate of gates) gate.close()
  await acme?.drop()
})

async function gate(options: GateOptions): Promise<Gate> {
  const opened = await postgresGate(acme.database.url, options)
  gates.push(opened)
  return opened
}

/** Runs `dsctl list` with only these settings for Postgres. */
async function list(env: RunOptions['env'], home = temporaryFolder()): Promise<RunResult> {
  const run =
    env && ('NODE_OPTIONS' in env || 'SSL_CERT_FILE' in env)
      ? (args: string[], options: RunOptions) => spawnDsctl(args, options).result
      : dsctl
  const all = { ...acme.env, DSCTL_DATABASE_URL: undefined, ...env }
  const result = await run(['list', '-o', 'json', '--timeout', '5'], { home, env: all })
  expect(result.stdout + result.stderr).not.toContain(PASSWORD)
  return result
}

const succeeded = { code: 0, stderr: '' }

/** A home folder with these files, only readable by their owner. */
function homeWith(files: Readonly<Record<string, string>>): string {
  const home = temporaryFolder()
  mkdirSync(join(home, '.postgresql'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text, { mode: 0o600 })
  return home
}

describe('hostaddr', () => {
  test('is the address, and host the name, from URL, service and variable', async () => {
    const { port } = await gate({ password: PASSWORD })
    const home = homeWith({
      '.pgpass': `db.invalid:${port}:${database}:postgres:${PASSWORD}\n`,
      '.pg_service.conf': `[app]\nhost=db.invalid\nhostaddr=127.0.0.1\nport=${port}\ndbname=${database}\nuser=postgres\n`,
    })
    const url = `postgres://postgres@db.invalid:${port}/${database}`
    expect(await list({ DSCTL_DATABASE_URL: `${url}?hostaddr=127.0.0.1` }, home)).toMatchObject(succeeded)
    expect(await list({ DSCTL_DATABASE_URL: url, PGHOSTADDR: '127.0.0.1' }, home)).toMatchObject(succeeded)
    expect(await list({ PGSERVICE: 'app' }, home)).toMatchObject(succeeded)
    const refused = jsonError(await list({ DSCTL_DATABASE_URL: url, PGHOSTADDR: 'db.invalid' }, home))
    expect(refused.fields).toEqual([{ field: 'PGHOSTADDR', message: expect.stringContaining('IP address') }])
  })

  test('leaves the certificate to be checked for the host', async () => {
    const { port } = await gate({ tls: pair })
    const home = homeWith({ '.postgresql/root.crt': root.cert })
    const url = (host: string) =>
      `postgres://postgres@${host}:${port}/${database}?hostaddr=127.0.0.1&sslmode=verify-full`
    expect(await list({ DSCTL_DATABASE_URL: url('localhost') }, home)).toMatchObject(succeeded)
    const wrong = jsonError(await list({ DSCTL_DATABASE_URL: url('db.invalid') }, home))
    expect(wrong.message).toContain('the server’s certificate is for localhost, not for db.invalid')
  })
})

describe('A database URL', () => {
  test('may have an empty host before a port, or as a parameter', async () => {
    const { port } = await gate({})
    const refused = await list({ DSCTL_DATABASE_URL: `postgres://app@/${database}?host=/var/run/nowhere` })
    expect(jsonError(refused).message).toContain(
      `Postgres at /var/run/nowhere:5432/${database} cannot be reached: there is no socket in that folder`,
    )
    const cloud = 'postgresql://app:example@/app?host=/cloudsql/project:region:instance'
    expect(jsonError(await list({ DSCTL_DATABASE_URL: cloud })).message).toContain('/cloudsql/project:region:instance')
    const encoded = 'postgresql://app@%2Fvar%2Frun%2Fnowhere/app'
    expect(jsonError(await list({ DSCTL_DATABASE_URL: encoded })).message).toContain('/var/run/nowhere:5432/app')
    const url = `postgres://postgres@:${port}/${database}`
    expect(await list({ DSCTL_DATABASE_URL: url, PGHOST: 'localhost' })).toMatchObject(succeeded)
  })

  test('may be encoded, in brackets, or name the host as a parameter', async () => {
    const { port } = await gate({})
    for (const url of [
      `postgres://postgres@localhost/${database}?port=${port}`,
      `postgresql:///${database}?host=127.0.0.1&port=${port}&user=postgres`,
      `postgres://post%67res@127.0.0.1:${port}/${database}?application_name=me%20too`,
      `  postgres://postgres@127.0.0.1:${port}/${database}\n`,
    ]) {
      expect(await list({ DSCTL_DATABASE_URL: url }), url).toMatchObject(succeeded)
    }
    const { message } = jsonError(await list({ DSCTL_DATABASE_URL: 'postgres://app@[::1]:1/app' }))
    expect(message).toContain('Postgres at [::1]:1/app cannot be reached')
  })

  test('that is saved has no secret in any parameter', async () => {
    for (const parameter of ['password', 'sslpassword', 'pass%77ord', 'scram_client_key', 'oauth_client_secret']) {
      const url = `postgres://app@db.invalid/app?${parameter}=${PASSWORD}`
      const saved = await acme.dsctl(['config', 'set', 'database.url', url], { home: temporaryFolder() })
      expect(saved.code, parameter).toBe(2)
      expect(saved.stderr).not.toContain(PASSWORD)
      const shown = await acme.dsctl(['config', 'get', 'database.url'], { env: { DSCTL_DATABASE_URL: url } })
      expect(shown.stdout).not.toContain(PASSWORD)
    }
  })
})

describe('The user', () => {
  test('is by default that of the operating system', async () => {
    const env = { DSCTL_DATABASE_URL: 'postgres://127.0.0.1:1', USER: undefined }
    const { message } = jsonError(await list(env))
    expect(message).toMatch(/Postgres at 127\.0\.0\.1:1\/\w+ cannot be reached/)
  })
})

describe('A parameter that dsctl cannot honour is rejected by name:', () => {
  const rejected = LIBPQ_PARAMETERS.filter(({ support, socketsOnly }) => support === 'rejected' && !socketsOnly)

  test.each(rejected)('$name in a URL, a service file and its variable', async ({ name, env: variable }) => {
    const value = 'marker-value'
    const home = homeWith({ '.pg_service.conf': `[app]\nhost=127.0.0.1\n${name}=${value}\n` })
    const given = [{ DSCTL_DATABASE_URL: `postgres://127.0.0.1:1/app?${name}=${value}` }, { PGSERVICE: 'app' }]
    for (const env of [...given, ...(variable ? [{ PGHOST: '127.0.0.1', [variable]: value }] : [])]) {
      const result = await acme.dsctl(['list', '-o', 'json'], { home, env: { DSCTL_DATABASE_URL: undefined, ...env } })
      const error = jsonError(result)
      const field = variable && variable in env ? variable : 'PGSERVICE' in env ? `${name} (service app)` : name
      expect(error, JSON.stringify(env)).toMatchObject({ exit_code: 2, fields: [{ field }] })
      expect(result.stderr).not.toContain(value)
    }
  })

  const limited = LIBPQ_PARAMETERS.filter(({ allowed }) => allowed)

  test.each(limited)('another value of $name than those that it has', async ({ name }) => {
    const env = { DSCTL_DATABASE_URL: `postgres://127.0.0.1:1/app?${name}=none-of-them` }
    expect(jsonError(await acme.dsctl(['list', '-o', 'json'], { env })).fields).toMatchObject([{ field: name }])
  })

  test.each([
    ['several hosts', 'postgres://a,b/app', 'host'],
    ['several ports', 'postgres://a:1,b:2/app', 'port'],
    ['several addresses', 'postgres://a/app?hostaddr=127.0.0.1,127.0.0.2', 'hostaddr'],
    ['the user of the server', 'postgres:///app?host=/tmp&requirepeer=postgres', 'requirepeer'],
    ['a weak sslmode with direct TLS', 'postgres://a/app?sslnegotiation=direct', 'sslnegotiation'],
    ['a weak sslmode with system roots', 'postgres://a/app?sslrootcert=system&sslmode=require', 'sslrootcert'],
    ['a login method that is unknown', 'postgres://a/app?require_auth=magic', 'require_auth'],
    ['methods with and without a !', 'postgres://a/app?require_auth=md5,!none', 'require_auth'],
    ['a wrong time', 'postgres://a/app?connect_timeout=soon', 'connect_timeout'],
    [
      'TLS versions in the wrong order',
      `postgres://a/app?${versions('TLSv1.3', 'TLSv1.2')}`,
      'ssl_min_protocol_version',
    ],
    ['a parameter without a value', 'postgres://a/app?sslmode', 'sslmode'],
    ['a NUL character', 'postgres://a/app?user=a%00b', 'user'],
  ])('%s', async (_, url, field) => {
    const result = await acme.dsctl(['list', '-o', 'json'], { env: { DSCTL_DATABASE_URL: url } })
    expect(jsonError(result)).toMatchObject({ exit_code: 2, fields: [{ field: expect.stringContaining(field) }] })
  })

  test('a line of a service file that is no parameter', async () => {
    for (const [line, field] of [
      ['sslmod=require', 'sslmod (service app)'],
      ['ldap://ldap.example.com/dc=x', 'ldap…'],
      ['service=other', 'service'],
    ]) {
      const home = homeWith({ '.pg_service.conf': `[app]\n${line}\n` })
      const env = { DSCTL_DATABASE_URL: undefined, PGSERVICE: 'app' }
      const error = jsonError(await acme.dsctl(['list', '-o', 'json'], { home, env }))
      expect(error, line).toMatchObject({ exit_code: 2, fields: [{ field }] })
    }
  })
})

function versions(min: string, max: string): string {
  return `ssl_min_protocol_version=${min}&ssl_max_protocol_version=${max}`
}

describe('~/.pgpass', () => {
  const url = ({ port }: Gate) => `postgres://postgres@localhost:${port}/${database}`

  test('gives no warning of Node', async () => {
    const opened = await gate({ password: PASSWORD })
    const home = homeWith({ '.pgpass': `localhost:${opened.port}:${database}:postgres:${PASSWORD}\n` })
    const env = { DSCTL_DATABASE_URL: url(opened), NODE_OPTIONS: '--throw-deprecation' }
    expect(await list(env, home)).toMatchObject({ ...succeeded, stdout: '[]\n' })
  })

  test.each([
    ['wildcards', (port: number) => `*:${port}:*:postgres:${PASSWORD}`],
    ['comments and other entries before it', (port: number) => `# mine\nother:*:*:*:x\n*:${port}:*:*:${PASSWORD}`],
    ['CRLF, and more after the password', (port: number) => `localhost:${port}:*:*:${PASSWORD}:rest\r\n`],
  ])('may have %s', async (_, line) => {
    const opened = await gate({ password: PASSWORD })
    const home = homeWith({ '.pgpass': line(opened.port) })
    expect(await list({ DSCTL_DATABASE_URL: url(opened) }, home)).toMatchObject(succeeded)
  })

  test('may have a backslash before a colon or a backslash', async () => {
    const opened = await gate({ password: 'a:b\\c' })
    const home = homeWith({ '.pgpass': `localhost:${opened.port}:${database}:postgres:a\\:b\\\\c\n` })
    expect(await list({ DSCTL_DATABASE_URL: url(opened) }, home)).toMatchObject(succeeded)
  })

  test('is not used if others can read it, and the hint says so', async () => {
    const opened = await gate({ password: PASSWORD })
    const home = homeWith({ '.pgpass': `*:*:*:*:${PASSWORD}\n` })
    chmodSync(join(home, '.pgpass'), 0o644)
    const error = jsonError(await list({ DSCTL_DATABASE_URL: url(opened) }, home))
    expect(error).toMatchObject({ exit_code: 3, hint: expect.stringContaining('chmod 600') })
    expect(error.message).toContain('requires a password for user postgres')
  })
})

describe('TLS of Postgres', () => {
  test('verifies with ~/.postgresql/root.crt, also for require', async () => {
    const { port } = await gate({ tls: pair })
    const url = (mode: string) => `postgres://postgres@127.0.0.1:${port}/${database}?sslmode=${mode}`
    const trusted = homeWith({ '.postgresql/root.crt': root.cert })
    const other = homeWith({ '.postgresql/root.crt': authority().cert })
    expect(await list({ DSCTL_DATABASE_URL: url('require') }, trusted)).toMatchObject(succeeded)
    expect(await list({ DSCTL_DATABASE_URL: url('verify-ca') }, trusted)).toMatchObject(succeeded)
    const error = jsonError(await list({ DSCTL_DATABASE_URL: url('require') }, other))
    expect(error).toMatchObject({ exit_code: 7, message: expect.stringContaining('signed by an unknown authority') })
  })

  test('verifies with the authorities of the system, which SSL_CERT_FILE can name', async () => {
    const { port } = await gate({ tls: pair })
    const DSCTL_DATABASE_URL = `postgres://postgres@localhost:${port}/${database}?sslrootcert=system`
    const SSL_CERT_FILE = join(homeWith({ 'bundle.pem': root.cert }), 'bundle.pem')
    expect(await list({ DSCTL_DATABASE_URL, SSL_CERT_FILE })).toMatchObject(succeeded)
    expect(jsonError(await list({ DSCTL_DATABASE_URL })).message).toContain('signed by an unknown authority')
  })

  test.each([
    ['is empty', () => ''],
    ['holds a private key', () => pair.key],
    ['is cut off', () => root.cert.slice(0, 200)],
    ['holds no PEM certificate', () => 'not a cert'],
  ])('names the CA file that %s', async (problem, text) => {
    const sslrootcert = join(homeWith({ 'ca.pem': text() }), 'ca.pem')
    const url = `postgres://postgres@127.0.0.1:1/app?sslmode=verify-full&sslrootcert=${encodeURIComponent(sslrootcert)}`
    const error = jsonError(await list({ DSCTL_DATABASE_URL: url }))
    expect(error.exit_code).toBe(2)
    expect(error.fields).toEqual([
      { field: 'sslrootcert', message: expect.stringContaining(`${sslrootcert} ${problem}`) },
    ])
  })

  test('goes on without TLS for prefer, but not for require, if the handshake fails', async () => {
    const url = (port: number, mode: string) => `postgres://postgres@127.0.0.1:${port}/${database}?sslmode=${mode}`
    const { port } = await gate({ tls: pair, tlsOptional: true, tlsOptions: { maxVersion: 'TLSv1.2' } })
    const parameters = '&ssl_min_protocol_version=TLSv1.3'
    expect(await list({ DSCTL_DATABASE_URL: url(port, `prefer${parameters}`) })).toMatchObject(succeeded)
    const error = jsonError(await list({ DSCTL_DATABASE_URL: url(port, `require${parameters}`) }))
    expect(error.message).toContain('supports none of the TLS versions that are allowed')
  })

  test('starts at once with sslnegotiation=direct', async () => {
    const { port } = await gate({ tls: pair, direct: true })
    const url = `postgres://postgres@localhost:${port}/${database}?sslmode=require&sslnegotiation=direct`
    expect(await list({ DSCTL_DATABASE_URL: url })).toMatchObject(succeeded)
  })
})

describe('A server that asks for the password in clear text', () => {
  test.each(['require_auth=scram-sha-256', 'require_auth=!password', 'channel_binding=require'])(
    'does not get it with %s',
    async parameter => {
      const opened = await gate({ password: PASSWORD })
      const url = `postgres://postgres@localhost:${opened.port}/${database}?${parameter}`
      const error = jsonError(await list({ DSCTL_DATABASE_URL: url, PGPASSWORD: PASSWORD }))
      expect(error).toMatchObject({ exit_code: 3, message: expect.stringContaining('asks for the password in clear') })
      expect(opened.sessions).toEqual([])
    },
  )

  test('gets it with require_auth=password', async () => {
    const { port } = await gate({ password: PASSWORD })
    const url = `postgres://postgres@localhost:${port}/${database}?require_auth=password,md5`
    expect(await list({ DSCTL_DATABASE_URL: url, PGPASSWORD: PASSWORD })).toMatchObject(succeeded)
  })

  test('must not skip it with require_auth=!none', async () => {
    const { port } = await gate({})
    const url = `postgres://postgres@localhost:${port}/${database}?require_auth=!none`
    const error = jsonError(await list({ DSCTL_DATABASE_URL: url }))
    expect(error).toMatchObject({ exit_code: 3, message: expect.stringContaining('asks for no password') })
  })
})
