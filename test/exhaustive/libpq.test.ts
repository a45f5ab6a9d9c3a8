import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Authority, authority, type Certificate } from '../support/certificate.ts'
import { ownPostgres, POSTGRES_BIN } from '../support/own-servers.ts'
import { cleanEnvironment, jsonError, spawnDsctl, temporaryFolder } from '../support/run.ts'
import { scratchVault } from '../support/servers.ts'
import type { ScratchVault } from '../support/vault.ts'

// psql and dsctl get the same settings. Both must connect, with or without TLS, or both must fail.

const PASSWORD = 'libpq-canary-31f'

let server: Awaited<ReturnType<typeof ownPostgres>>
let root: Authority
let other: Authority
let clients: Authority
let client: Certificate
let home: string
let vault: ScratchVault

const ACCESS = `
hostssl all tls_only all trust
hostnossl all tls_only all reject
hostnossl all plain_only all trust
hostssl all plain_only all reject
hostssl all cert_user all cert
host all rejected all reject
host all clear all password
host all md5_user all md5
host all trusted all trust
host all no_login all trust
local all all trust`

const ROLES = `
CREATE ROLE tls_only LOGIN; CREATE ROLE plain_only LOGIN; CREATE ROLE cert_user LOGIN; CREATE ROLE rejected LOGIN;
CREATE ROLE trusted LOGIN; CREATE ROLE no_login; CREATE ROLE read_only LOGIN PASSWORD '${PASSWORD}';
ALTER ROLE read_only SET default_transaction_read_only = on;
CREATE ROLE clear LOGIN PASSWORD '${PASSWORD}'; SET password_encryption = 'md5';
CREATE ROLE md5_user LOGIN PASSWORD '${PASSWORD}';`

interface Outcome {
  /** `tls`, `plain`, or undefined if it did not connect. */
  readonly connected: string | undefined
  readonly text: string
}

function run(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise(resolve => {
    execFile(file, [...args], { env }, (_, stdout, stderr) => resolve(stdout + stderr))
  })
}

async function psql(url: string, env: Readonly<Record<string, string>>): Promise<Outcome> {
  const query = `SELECT 'connected ' || CASE WHEN ssl THEN 'tls' ELSE 'plain' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()`
  const all = { ...cleanEnvironment(env, home), LC_ALL: 'C' }
  const text = await run(join(POSTGRES_BIN ?? '', 'psql'), ['-w', url, '-tAc', query], all)
  return { connected: /^connected (\w+)$/m.exec(text)?.[1], text }
}

async function dsctl(url: string, env: Readonly<Record<string, string>>): Promise<Outcome> {
  const before = readFileSync(join(server.folder, 'log'), 'utf8').length
  const all = {
    VAULT_ADDR: vault.addr,
    VAULT_TOKEN: vault.rootToken,
    DSCTL_USER: 'a@b.example',
    DSCTL_DATABASE_URL: url,
  }
  const { stderr } = await spawnDsctl(['list', '-o', 'json'], { home, env: { ...all, ...env } }).result
  expect(stderr).not.toContain(PASSWORD)
  const log = readFileSync(join(server.folder, 'log'), 'utf8').slice(before)
  const lines = log.split('\n').filter(line => line.includes('connection authorized'))
  const connected = /Postgres at/.test(stderr) || !lines.length ? undefined : /SSL enabled/.test(String(lines.at(-1)))
  return { connected: connected === undefined ? undefined : connected ? 'tls' : 'plain', text: stderr }
}

const PASSWORDS = { PGPASSWORD: PASSWORD }

type Variables = Readonly<Record<string, string>>

// The user, the end of the URL, and variables. {folder} is a folder with certificates.
const CASES: readonly (readonly [user: string, query: string, env?: Variables])[] = [
  ...['disable', 'allow', 'prefer', 'require', ''].flatMap(mode =>
    ['tls_only', 'plain_only', 'rejected', 'no_login', 'trusted', 'cert_user'].map(
      user => [user, mode && `sslmode=${mode}`] as const,
    ),
  ),
  ['app', '', PASSWORDS],
  ['app', 'sslmode=require', { PGPASSWORD: 'wrong' }],
  ['app', 'sslmode=allow', { PGPASSWORD: 'wrong' }],
  ['app', ''],
  ['app', 'requiressl=1', PASSWORDS],
  ['app', 'ssl=true', PASSWORDS],
  ['plain_only', '', { PGREQUIRESSL: '1' }],
  ['app', 'sslmode=require', { ...PASSWORDS, PGREQUIRESSL: '1' }],
  ['app', 'sslmode=require&channel_binding=require', PASSWORDS],
  ['app', 'sslmode=disable&channel_binding=require', PASSWORDS],
  ['md5_user', 'channel_binding=require', PASSWORDS],
  ['trusted', 'sslmode=require&channel_binding=require'],
  ['app', 'channel_binding=disable', { ...PASSWORDS, PGCHANNELBINDING: 'require' }],
  ['md5_user', '', PASSWORDS],
  ['clear', '', PASSWORDS],
  ['cert_user', 'sslmode=require&sslcert={folder}/client.crt&sslkey={folder}/client.key'],
  ['cert_user', 'sslcert={folder}/client.crt&sslkey={folder}/client.key'],
  ['tls_only', 'sslmode=require&sslcert={folder}/client.crt&sslkey={folder}/open.key'],
  ['tls_only', 'sslmode=require&sslcert={folder}/client.crt&sslkey={folder}/other.key'],
  ['trusted', 'sslmode=verify-ca&sslrootcert={folder}/root.crt'],
  ['trusted', 'sslmode=verify-full&sslrootcert={folder}/root.crt'],
  ['trusted', 'sslmode=verify-full&sslrootcert={folder}/other.crt'],
  ['trusted', 'sslmode=verify-ca&sslrootcert={folder}/other.crt'],
  ['trusted', 'sslmode=require&sslrootcert={folder}/other.crt'],
  ['trusted', 'sslmode=prefer&sslrootcert={folder}/other.crt'],
  ['trusted', 'sslmode=verify-full&sslrootcert={folder}/empty.crt'],
  ['trusted', 'sslmode=verify-full&sslrootcert={folder}/client.key'],
  ['trusted', 'sslmode=verify-full&sslrootcert={folder}/missing.crt'],
  ['trusted', 'sslmode=verify-ca'],
  ['trusted', 'sslmode=require&ssl_min_protocol_version=TLSv1.3'],
  ['trusted', 'sslmode=require&ssl_max_protocol_version=TLSv1.2'],
  ['trusted', 'sslmode=require&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2'],
  ['trusted', 'sslmode=require&sslsni=0'],
  ['trusted', 'target_session_attrs=read-write'],
  ['trusted', 'target_session_attrs=primary'],
  ['trusted', 'target_session_attrs=standby'],
  ['trusted', 'target_session_attrs=read-only'],
  ['trusted', 'target_session_attrs=prefer-standby'],
  ['read_only', 'target_session_attrs=read-write', PASSWORDS],
  ['read_only', 'target_session_attrs=read-only', PASSWORDS],
  ['trusted', 'hostaddr=127.0.0.1', { PGHOST: 'nowhere.invalid' }],
  ['trusted', '', { PGHOSTADDR: '127.0.0.1' }],
  ['trusted', 'options=-c%20geqo%3Doff'],
  ['trusted', 'options=-c%20nonsense%3D1'],
  ['trusted', 'gssencmode=require'],
  ['trusted', 'keepalives=0&connect_timeout=5&application_name=x&fallback_application_name=y'],
  ['trusted', 'sslmod=require'],
]

describe.skipIf(POSTGRES_BIN === undefined)('psql and dsctl agree', () => {
  beforeAll(async () => {
    vault = await scratchVault()
    root = authority()
    other = authority()
    clients = authority()
    client = clients.certificateFor('cert_user')
    const pair = root.certificateFor('localhost')
    server = await ownPostgres({ password: PASSWORD, pair, access: ACCESS, clientCa: clients.cert })
    home = temporaryFolder()
    const write = (name: string, text: string, mode = 0o600) => {
      writeFileSync(join(home, name), text)
      chmodSync(join(home, name), mode)
    }
    write('client.crt', client.cert)
    write('client.key', client.key)
    write('open.key', client.key, 0o644)
    write('other.key', pair.key)
    write('root.crt', root.cert)
    write('other.crt', other.cert)
    write('empty.crt', '')
    await run(
      join(POSTGRES_BIN ?? '', 'psql'),
      ['-h', server.folder, '-p', String(server.port), '-U', 'app', 'postgres', '-c', ROLES],
      {},
    )
  })
  afterAll(async () => {
    server?.stop()
    await vault?.drop()
  })

  const cases = CASES.map(([user, query, env = {}]) => ({ user, query, env }))

  test.each(cases)('for user $user with $query $env', async ({ user, query, env }) => {
    const host = 'PGHOST' in env ? '' : 'localhost'
    const url = `postgres://${user}@${host}:${server.port}/postgres?${query.replaceAll('{folder}', home)}`
    const expected = await psql(url, env)
    const found = await dsctl(url, env)
    const shown = `${expected.text}\n${found.text}`
    expect(found.connected === undefined, shown).toBe(expected.connected === undefined)
    // Without sslmode, dsctl first tries without TLS on this machine.
    if (query.includes('sslmode')) expect(found.connected, shown).toBe(expected.connected)
  })

  test('about the files in ~/.postgresql', async () => {
    const folder = join(home, '.postgresql')
    mkdirSync(folder)
    const url = (user: string, mode: string) => `postgres://${user}@localhost:${server.port}/postgres?sslmode=${mode}`
    for (const [name, text] of [
      ['root.crt', root.cert],
      ['postgresql.crt', client.cert],
      ['postgresql.key', client.key],
    ]) {
      writeFileSync(join(folder, String(name)), String(text), { mode: 0o600 })
    }
    for (const mode of ['require', 'verify-ca', 'verify-full', 'prefer']) {
      for (const user of ['cert_user', 'trusted']) {
        expect((await dsctl(url(user, mode), {})).connected, mode).toBe((await psql(url(user, mode), {})).connected)
      }
    }
    writeFileSync(join(folder, 'root.crt'), other.cert)
    for (const mode of ['require', 'prefer', 'allow']) {
      const expected = await psql(url('trusted', mode), {})
      expect((await dsctl(url('trusted', mode), {})).connected, `${mode} ${expected.text}`).toBe(expected.connected)
    }
  })

  test('about sockets, and services in files', async () => {
    const folder = encodeURIComponent(server.folder)
    writeFileSync(
      join(home, '.pg_service.conf'),
      `[app]\nhost=${server.folder}\nport=${server.port}\ndbname=postgres\nuser=trusted\nsslmode=verify-full\n`,
    )
    for (const url of [
      `postgres://trusted@${folder}:${server.port}/postgres`,
      `postgres://trusted@/postgres?host=${server.folder}&port=${server.port}&sslmode=require`,
      'postgres://?service=app',
      `postgresql:///postgres?service=app&user=nobody_at_all`,
    ]) {
      expect((await dsctl(url, {})).connected, url).toBe((await psql(url, {})).connected)
    }
  })

  test.each([
    ['tls_only', 'sslmode=disable', /rejects user tls_only from .* without TLS/],
    ['cert_user', 'sslmode=require', /requires a client certificate from user cert_user/],
    ['no_login', '', /does not allow user no_login to log in: the role lacks the LOGIN/],
    ['rejected', '', /rejects user rejected from/],
    ['nobody', '', /requires a password for user nobody/],
  ])('and dsctl names the reason for user %s with %s', async (user, query, reason) => {
    const env = {
      DSCTL_DATABASE_URL: `postgres://${user}@localhost:${server.port}/postgres?${query}`,
    }
    const all = { ...env, VAULT_ADDR: vault.addr, VAULT_TOKEN: vault.rootToken, DSCTL_USER: 'a@b.example' }
    const error = jsonError(await spawnDsctl(['list', '-o', 'json'], { home: temporaryFolder(), env: all }).result)
    expect(error).toMatchObject({ exit_code: 3, message: expect.stringMatching(reason) })
  })
})
