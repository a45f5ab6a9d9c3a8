import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Certificate, certificateFor } from '../support/certificate.ts'
import {
  HAS_MARIADB,
  HAS_SSHD,
  type JumpHost,
  type OwnServer,
  ownMariadb,
  ownPostgres,
  ownSshd,
  POSTGRES_BIN,
  sshKey,
} from '../support/own-servers.ts'
import { creation } from '../support/requests.ts'
import { json, temporaryFolder } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { createSite, type Site } from '../support/site.ts'
import { terminal } from '../support/terminal.ts'

// Real servers that this suite starts itself, with a working and a failing case for each stage. They run if the tests use
// real servers and these are installed.

const SECRET = 'server-canary-a2c7'
const PASSWORD = 'right horse'
let acme: Site
let good: Certificate

type Fields = Readonly<Record<string, unknown>>

async function testResult(request: Fields, ...more: readonly string[]) {
  const stdin = JSON.stringify({ env: 'dev', name: 'Tested', ...request })
  const result = await acme.dsctl(['test', '-f', '-', '-o', 'json', ...more], { stdin })
  for (const secret of [SECRET, PASSWORD, 'PRIVATE KEY']) expect(result.stdout + result.stderr).not.toContain(secret)
  const [found] = json(result)
  expect(result.code).toBe(found.ok ? 0 : 8)
  return found
}

/** Each case changes a request that connects. */
function cases(base: () => Fields, table: readonly (readonly [string, Fields, Fields])[]): void {
  test.each(table)('%s', async (_, change, expected) => {
    expect(await testResult({ ...base(), ...change })).toMatchObject(expected)
  })
}

beforeAll(async () => {
  if (!REAL_POSTGRES) return
  acme = await createSite()
  good = certificateFor('localhost')
})

afterAll(() => acme?.drop())

describe.runIf(REAL_POSTGRES && POSTGRES_BIN)('Postgres with passwords and TLS', () => {
  let server: OwnServer
  const base = () => ({
    ...{ type: 'postgres', host: 'localhost', port: server.port, username: 'app', password: PASSWORD },
    ...{ default_database: 'postgres', ssl_mode: 'verify-full', ssl_ca: good.cert },
  })

  beforeAll(async () => {
    const access = `hostnossl all tls_only all reject\nhostssl all tls_only all scram-sha-256
hostssl all plain_only all reject\nhostnossl all plain_only all scram-sha-256
hostssl all cert_only all cert\nhost all rejected all reject`
    server = await ownPostgres({ password: PASSWORD, pair: good, access, clientCa: good.cert })
    const client = new pg.Client({ ...base(), user: 'app', database: 'postgres', ssl: { ca: good.cert } })
    await client.connect()
    for (const role of ['low', 'tls_only', 'plain_only', 'cert_only'])
      await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'`)
    await client.query(`CREATE ROLE no_login PASSWORD '${PASSWORD}'`)
    await client.query('CREATE SCHEMA private')
    await client.query('CREATE DATABASE closed')
    await client.query('REVOKE CONNECT ON DATABASE closed FROM public')
    await client.end()
  })
  afterAll(() => server?.stop())

  const denied = { stage: 'authenticate', code: 'auth_failed' }
  cases(
    base,
    [
      ['connects, verified', {}, { ok: true, stage: 'query', server_version: expect.stringMatching(/^PostgreSQL /) }],
      ['connects with ssl_mode disable', { ssl_mode: 'disable', ssl_ca: undefined }, { ok: true }],
      ['prefer, unverified', { ssl_mode: 'prefer', ssl_ca: undefined }, { ok: true }],
      ['require, unverified', { ssl_mode: 'require', ssl_ca: undefined }, { ok: true }],
      ['no mode', { ssl_mode: undefined, ssl_ca: undefined }, { ok: true }],
      ['verify-ca, by another name', { ssl_mode: 'verify-ca', host: '127.0.0.1' }, { ok: true }],
      [
        'reports a wrong password',
        { password: SECRET },
        { ...denied, message: expect.stringContaining('password of user app') },
      ],
      ['reports an unknown user', { username: 'nobody' }, denied],
      [
        'reports a role that is not allowed to log in',
        { username: 'no_login' },
        { ...denied, message: expect.stringContaining('user no_login to log in: the role lacks the LOGIN attribute') },
      ],
      [
        'reports a user that needs a client certificate',
        { username: 'cert_only' },
        { ...denied, message: 'The server requires a client certificate from user cert_only.' },
      ],
      [
        'reports a user that pg_hba.conf rejects',
        { username: 'rejected' },
        {
          ...denied,
          message: expect.stringMatching(
            /^The server rejects user rejected from .* because of an entry in pg_hba\.conf\.$/,
          ),
        },
      ],
      ['tries again without TLS if it is preferred', { username: 'plain_only', ssl_mode: 'prefer' }, { ok: true }],
      ['does not if it is required', { username: 'plain_only', ssl_mode: 'require' }, denied],
      [
        'reports a user that is required to use TLS',
        { username: 'tls_only', ssl_mode: 'disable', ssl_ca: undefined },
        { ...denied, message: expect.stringContaining('without TLS') },
      ],
      ['connects as that user over TLS', { username: 'tls_only' }, { ok: true }],
      ['reports a missing database', { default_database: 'nope' }, { stage: 'database', code: 'database_not_found' }],
      [
        'reports a database without CONNECT',
        { username: 'low', default_database: 'closed' },
        { stage: 'database', code: 'permission_denied' },
      ],
      ['reports a missing schema', { default_schema: 'nope' }, { stage: 'database', code: 'database_not_found' }],
      [
        'reports a schema without USAGE',
        { username: 'low', default_schema: 'private' },
        { stage: 'database', code: 'permission_denied' },
      ],
      ['reports a certificate for another name', { host: '127.0.0.1' }, { stage: 'tls', code: 'tls_failed' }],
      [
        'reports a certificate of an unknown authority',
        { ssl_ca: undefined },
        { stage: 'tls', code: 'tls_failed', message: expect.stringContaining('ssl_ca') },
      ],
      ['reports a server of another type', { type: 'mysql' }, { stage: 'tls', code: 'timeout' }],
    ].map(each => each as unknown as readonly [string, Fields, Fields]),
  )

  test('reports an expired certificate, and one for another name', async () => {
    const expired = certificateFor('localhost', '250201000000Z')
    const other = certificateFor('other.example.com')
    const use = (pair: Certificate) => {
      server.write('data/server.crt', pair.cert)
      server.write('data/server.key', pair.key)
      server.reload()
    }
    try {
      use(expired)
      await expect
        .poll(() => testResult({ ...base(), ssl_ca: expired.cert }), { timeout: 10_000 })
        .toMatchObject({ code: 'tls_failed', message: 'The server’s certificate has expired.' })
      use(other)
      await expect
        .poll(() => testResult({ ...base(), ssl_ca: other.cert }), { timeout: 10_000 })
        .toMatchObject({
          code: 'tls_failed',
          message: 'The server’s certificate is for other.example.com, not for localhost. Check host.',
        })
    } finally {
      use(good)
    }
  })

  describe.runIf(HAS_SSHD)('through OpenSSH', () => {
    let jump: JumpHost
    let keys: Readonly<Record<string, string>>
    const through = () => ({
      ...{ ...base(), jump_host: '127.0.0.1', ssh_port: jump.port, ssh_username: 'root' },
      ...{ ssh_private_key: keys.ed25519, ssh_host_key: jump.fingerprint },
    })

    beforeAll(async () => {
      const folder = temporaryFolder()
      const made = {
        ed25519: sshKey(folder, 'ed25519', ['-t', 'ed25519', '-N', '']),
        rsa: sshKey(folder, 'rsa', ['-t', 'rsa', '-b', '2048', '-N', '']),
        pem: sshKey(folder, 'pem', ['-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '']),
        pkcs8: sshKey(folder, 'pkcs8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8', '-N', '']),
        locked: sshKey(folder, 'locked', ['-t', 'ed25519', '-N', SECRET]),
        stranger: sshKey(folder, 'stranger', ['-t', 'ed25519', '-N', '']),
      }
      keys = Object.fromEntries(Object.entries(made).map(([name, { path }]) => [name, readFileSync(path, 'utf8')]))
      const { stranger: _, ...known } = made
      const publicKeys = Object.values(known).map(({ publicKey }) => publicKey.trim())
      jump = await ownSshd({ publicKeys, permitted: [`localhost:${server.port}`, 'localhost:9'] })
    })
    afterAll(() => jump?.stop())

    const failed = (part: string) => ({
      stage: 'tunnel',
      code: 'tunnel_failed',
      message: expect.stringContaining(part),
    })

    test('connects with each kind of key, and verifies the certificate of the database server', async () => {
      for (const name of ['ed25519', 'rsa', 'pem', 'pkcs8']) {
        expect(await testResult({ ...through(), ssh_private_key: keys[name] }), name).toMatchObject({ ok: true })
      }
      const unlocked = { ssh_private_key: keys.locked, ssh_private_key_passphrase: SECRET }
      expect(await testResult({ ...through(), ...unlocked })).toMatchObject({ ok: true })
    })

    test('reports a wrong or unreadable key', async () => {
      const key = (fields: Fields) => testResult({ ...through(), ...fields })
      expect(await key({ ssh_private_key: keys.stranger })).toMatchObject(failed('does not allow root to log in'))
      const { privateKey } = generateKeyPairSync('ed25519')
      const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      expect(await key({ ssh_private_key: pkcs8 })).toMatchObject(failed('the OpenSSH format'))
    })

    test('reports a changed and an unknown host key', async () => {
      const other = `SHA256:${'A'.repeat(43)}`
      expect(await testResult({ ...through(), ssh_host_key: other }, '--accept-host-key')).toMatchObject(
        failed('The key has changed, or a different host answered'),
      )
      expect(await testResult({ ...through(), ssh_host_key: undefined })).toMatchObject(failed(jump.fingerprint))
      const accepted = await testResult({ ...through(), ssh_host_key: undefined }, '--accept-host-key')
      expect(accepted).toMatchObject({ ok: true })
    })

    test('--accept-host-key stores the key, with create --verify and with test', async () => {
      const keyOf = async (name: string) => json(await acme.dsctl(['get', name, '-o', 'json'])).credentials.ssh_host_key
      const create = (name: string, ...more: readonly string[]) => {
        const { args, stdin } = creation({ ...through(), ssh_host_key: undefined, name, env: 'dev' })
        return acme.dsctl([...args, ...more], { stdin })
      }
      expect((await create('Verified', '--verify')).code).toBe(8)
      expect((await create('Verified', '--verify', '--accept-host-key')).code).toBe(0)
      expect(await keyOf('Verified')).toBe(jump.fingerprint)
      expect((await create('Later')).code).toBe(0)
      expect((await acme.dsctl(['test', 'Later'])).code).toBe(8)
      expect(await keyOf('Later')).toBeUndefined()
      expect((await acme.dsctl(['test', 'Later', '--accept-host-key'])).code).toBe(0)
      expect(await keyOf('Later')).toBe(jump.fingerprint)
      expect((await acme.dsctl(['test', 'Later'])).code).toBe(0)
    })

    test('asks once at a terminal about an unknown host key', async () => {
      const { args, stdin } = creation({ ...through(), ssh_host_key: undefined, name: 'Asked', env: 'dev' })
      expect((await acme.dsctl(args, { stdin })).code).toBe(0)
      const keyOf = async () => json(await acme.dsctl(['get', 'Asked', '-o', 'json'])).credentials.ssh_host_key
      const openTest = () => terminal(['test', 'Asked'], { env: acme.env, home: acme.home, columns: 300 })
      const question = `The host key of 127.0.0.1 is ${jump.fingerprint}. Trust this key and store it?`
      for (const no of ['n\n', '\n']) {
        const refusing = openTest()
        await refusing.waitFor(question)
        refusing.type(no)
        expect((await refusing.exit).code).toBe(8)
        expect(refusing.text()).toContain('tunnel_failed')
        expect(await keyOf()).toBeUndefined()
      }
      const agreeing = openTest()
      await agreeing.waitFor(question)
      agreeing.type('y\n')
      expect((await agreeing.exit).code).toBe(0)
      expect(await keyOf()).toBe(jump.fingerprint)
      const knowing = openTest()
      expect((await knowing.exit).code).toBe(0)
      expect(knowing.text()).not.toContain('host key')
    })

    test('reports an unreachable target, a forbidden one, and a jump host without SSH', async () => {
      expect(await testResult({ ...through(), port: 9 })).toMatchObject(failed('cannot connect to localhost:9'))
      expect(await testResult({ ...through(), port: 10 })).toMatchObject(failed('forbids connections to localhost:10'))
      const { port } = server
      expect(await testResult({ ...through(), ssh_port: port }, '--timeout', '3')).toMatchObject({ stage: 'tunnel' })
      expect(await testResult({ ...through(), ssh_port: 9 })).toMatchObject({ stage: 'reach', code: 'unreachable' })
    })

    test('reports failures behind the tunnel as it does without one', async () => {
      expect(await testResult({ ...through(), password: SECRET })).toMatchObject({ code: 'auth_failed' })
      expect(await testResult({ ...through(), ssl_ca: undefined })).toMatchObject({ code: 'tls_failed' })
    })
  })
})

describe.runIf(REAL_POSTGRES && HAS_MARIADB)('MariaDB', () => {
  let server: OwnServer
  let plain: OwnServer
  const base = () => ({
    ...{ type: 'mariadb', host: 'localhost', port: server.port, username: 'app', password: PASSWORD },
    ...{ default_database: 'main', ssl_mode: 'verify-full', ssl_ca: good.cert },
  })

  beforeAll(async () => {
    const sql = [
      'CREATE DATABASE main;',
      'CREATE DATABASE closed;',
      `CREATE USER app@'%' IDENTIFIED BY '${PASSWORD}';`,
      "GRANT ALL ON main.* TO app@'%';",
      `CREATE USER tls_only@'%' IDENTIFIED BY '${PASSWORD}' REQUIRE SSL;`,
      "GRANT ALL ON main.* TO tls_only@'%';",
      `CREATE USER boss@'%' IDENTIFIED BY '${PASSWORD}';`,
      "GRANT ALL ON *.* TO boss@'%';",
      '',
    ].join('\n')
    server = await ownMariadb({ pair: good, sql })
    plain = await ownMariadb({ sql })
  })
  afterAll(() => {
    server?.stop()
    plain?.stop()
  })

  const denied = { stage: 'authenticate', code: 'auth_failed' }
  const none = { ssl_mode: 'disable', ssl_ca: undefined }
  cases(
    base,
    [
      ['connects, verified', {}, { ok: true, server_version: expect.stringContaining('MariaDB') }],
      ['connects as mysql', { type: 'mysql' }, { ok: true }],
      ['connects without TLS', none, { ok: true }],
      [
        'prefers TLS if no mode is given',
        { username: 'tls_only', ssl_mode: undefined, ssl_ca: undefined },
        { ok: true },
      ],
      ['reports a wrong password', { password: SECRET }, denied],
      ['reports a user that is required to use TLS', { ...none, username: 'tls_only' }, denied],
      [
        'reports a missing database',
        { username: 'boss', default_database: 'nope' },
        { stage: 'database', code: 'database_not_found' },
      ],
      [
        'reports a database without a grant',
        { default_database: 'closed' },
        { stage: 'database', code: 'permission_denied' },
      ],
      [
        'reports a certificate for another name',
        { host: '127.0.0.1' },
        {
          stage: 'tls',
          code: 'tls_failed',
          message: expect.stringContaining('is for localhost, not for 127.0.0.1. Check host.'),
        },
      ],
      ['verifies no name with verify-ca', { host: '127.0.0.1', ssl_mode: 'verify-ca' }, { ok: true }],
      [
        'reports a certificate of an unknown authority',
        { ssl_ca: undefined },
        { stage: 'tls', code: 'tls_failed', message: expect.stringContaining('ssl_ca') },
      ],
      ['reports a server of another type', { type: 'postgres' }, { code: 'failed' }],
    ].map(each => each as unknown as readonly [string, Fields, Fields]),
  )

  test('without TLS on the server, fails if TLS is required and connects if preferred', async () => {
    const { port } = plain
    expect(await testResult({ ...base(), port })).toMatchObject({
      ...{ stage: 'tls', code: 'tls_failed', message: 'The server does not support TLS, but ssl_mode requires it.' },
    })
    expect(await testResult({ ...base(), port, ssl_mode: undefined, ssl_ca: undefined })).toMatchObject({ ok: true })
  })
})
