import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateFor } from '../support/certificate.ts'
import { HAS_MARIADB, type OwnServer, ownMariadb } from '../support/own-servers.ts'
import { json } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { createSite, type Site } from '../support/site.ts'

// Accounts of a MariaDB that this suite starts, over TLS and without. It runs if the tests use real servers.

const PASSWORD = 'accounts-canary-93e1'
const WRONG = 'accounts-canary-wrong'
const ED25519 = { short: 'x', thirty_two: 'y'.repeat(32), long: 'z'.repeat(100), letters: 'pässwörd ✓' }

const USERS: readonly (readonly [string, string])[] = [
  ['app', `IDENTIFIED BY '${PASSWORD}'`],
  ...Object.entries(ED25519).map(
    ([name, password]) => [name, `IDENTIFIED VIA ed25519 USING PASSWORD('${password}')`] as const,
  ),
  ['locked', `IDENTIFIED BY '${PASSWORD}' ACCOUNT LOCK`],
  ['expired', `IDENTIFIED BY '${PASSWORD}' PASSWORD EXPIRE`],
  ['busy', `IDENTIFIED BY '${PASSWORD}' WITH MAX_CONNECTIONS_PER_HOUR 1`],
  ['by_socket', 'IDENTIFIED VIA unix_socket'],
  ['by_certificate', `IDENTIFIED BY '${PASSWORD}' REQUIRE X509`],
]
const SQL = [
  'CREATE DATABASE main;',
  "INSTALL SONAME 'auth_ed25519';",
  ...USERS.map(([name, how]) => `CREATE USER '${name}'@'%' ${how};`),
  ...USERS.map(([name]) => `GRANT ALL ON main.* TO '${name}'@'%';`),
  '',
].join('\n')

const pair = certificateFor('localhost')
let acme: Site
let server: OwnServer
const servers: OwnServer[] = []

async function start(options: Parameters<typeof ownMariadb>[0]): Promise<OwnServer> {
  const started = await ownMariadb(options)
  servers.push(started)
  return started
}

beforeAll(async () => {
  if (!REAL_POSTGRES || !HAS_MARIADB) return
  acme = await createSite()
  server = await start({ pair, sql: SQL })
})
afterAll(async () => {
  for (const each of servers) each.stop()
  await acme?.drop()
})

async function verdict(change: object) {
  const request = {
    ...{ name: 'T', env: 'dev', type: 'mariadb', host: 'localhost', port: server.port, password: PASSWORD },
    ...{ default_database: 'main', ...change },
  }
  const result = await acme.dsctl(['test', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(request) })
  for (const secret of [PASSWORD, WRONG]) expect(result.stdout + result.stderr).not.toContain(secret)
  return json(result)[0]
}

const TLS = { 'over TLS': { ssl_mode: 'verify-full', ssl_ca: pair.cert }, 'without TLS': { ssl_mode: 'disable' } }

describe.runIf(REAL_POSTGRES && HAS_MARIADB).each(Object.entries(TLS))('a MariaDB account, %s', (name, tls) => {
  const denied = (part: string) => ({
    ...{ ok: false, stage: 'authenticate', code: 'auth_failed', message: expect.stringContaining(part) },
  })

  test.each(Object.entries(ED25519))('logs in with the ed25519 plugin: %s', async (username, password) => {
    expect(await verdict({ ...tls, username, password })).toMatchObject({ ok: true, stage: 'query' })
    expect(await verdict({ ...tls, username, password: WRONG })).toMatchObject(denied(`password of ${username}`))
  })

  test.each([
    ['locked', 'The account of locked is locked'],
    ['expired', 'The password of expired has expired'],
    ['by_socket', 'The server rejected the password of by_socket'],
    ['by_certificate', 'or accepts the user only over TLS or with a client certificate'],
  ])('is reported at stage authenticate if it is not usable: %s', async (username, message) => {
    expect(await verdict({ ...tls, username })).toMatchObject(denied(message))
  })

  test('is reported as blocked after too many wrong passwords', async () => {
    const strict = await start({ pair, sql: SQL, settings: ['--max-password-errors=1'] })
    const request = { ...tls, username: 'app', port: strict.port }
    expect(await verdict({ ...request, password: WRONG })).toMatchObject(denied('The server rejected the password'))
    expect(await verdict(request)).toMatchObject(denied('The account of app is blocked'))
  })

  test('is reported at the limit of its connections', async () => {
    const fresh = await start({ pair, sql: SQL })
    const request = { ...tls, username: 'busy', port: fresh.port }
    expect(await verdict(request)).toMatchObject({ ok: true })
    expect(await verdict(request)).toMatchObject({
      ...{ stage: 'authenticate', code: 'failed', message: expect.stringContaining('another limit of the account') },
    })
  })

  test('is reported with an expired password that the server rejects at once', async () => {
    const strict = await start({ pair, sql: SQL, settings: ['--disconnect-on-expired-password=ON'] })
    const found = await verdict({ ...tls, username: 'expired', port: strict.port })
    expect(found).toMatchObject(denied('The password of expired has expired'))
  })

  test('is reported if the server requires TLS or does not know the host', async () => {
    const sql = "DROP USER root@localhost, root@'127.0.0.1', root@'::1';\n"
    const elsewhere = await start({ pair, sql, settings: ['--skip-name-resolve'] })
    const found = await verdict({ ...tls, username: 'app', port: elsewhere.port })
    expect(found).toMatchObject({ stage: 'authenticate', code: 'permission_denied' })
    const secure = await start({ pair, sql: SQL, settings: ['--require-secure-transport=ON'] })
    const answer = await verdict({ ...tls, username: 'app', port: secure.port })
    expect(answer).toMatchObject(name === 'over TLS' ? { ok: true } : denied('accepts the user only over TLS'))
  })
})
