import { writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Certificate, certificateFor } from '../support/certificate.ts'
import { POSTGRES_URL, VAULT } from '../support/configured-servers.ts'
import { markedBlock } from '../support/docs.ts'
import { listen } from '../support/listen.ts'
import { type Gate, type GateOptions, postgresGate } from '../support/postgres-gate.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { dsctl, json, jsonError, type RunOptions, type RunResult, spawnDsctl, temporaryFolder } from '../support/run.ts'
import { ADMIN, adminPolicy, createSite, type Site } from '../support/site.ts'
import { answerWith } from '../support/vault-proxy.ts'

const PASSWORD = 'gate-canary-5e2'

let acme: Site
let proxied: ProxiedSite
let database: string
const gates: Gate[] = []

beforeAll(async () => {
  acme = await createSite()
  proxied = await proxySite(acme)
  database = new URL(acme.database.url).pathname.slice(1)
})

afterEach(() => proxied.restore())

afterAll(async () => {
  for (const gate of gates) gate.close()
  proxied?.close()
  await acme?.drop()
})

async function gate(options: GateOptions): Promise<Gate> {
  const opened = await postgresGate(acme.database.url, options)
  gates.push(opened)
  return opened
}

const url = ({ port }: Gate, rest = '', host = 'localhost') => `postgres://postgres@${host}:${port}/${database}${rest}`

/** Runs `dsctl list` with only these settings for Postgres. */
async function list(env: RunOptions['env'], home = temporaryFolder()): Promise<RunResult> {
  const result = await spawnDsctl(['list', '-o', 'json'], {
    home,
    env: { ...acme.env, DSCTL_DATABASE_URL: undefined, ...env },
  }).result
  expect(result.stdout + result.stderr).not.toContain(PASSWORD)
  return result
}

describe('A password', () => {
  let gateWithPassword: Gate

  beforeAll(async () => {
    gateWithPassword = await gate({ password: PASSWORD })
  })

  test('comes from PGPASSWORD', async () => {
    expect(await list({ DSCTL_DATABASE_URL: url(gateWithPassword), PGPASSWORD: PASSWORD })).toMatchObject({ code: 0 })
  })

  test('comes from ~/.pgpass, or from PGPASSFILE', async () => {
    const home = temporaryFolder()
    const line = `localhost:${gateWithPassword.port}:${database}:postgres:${PASSWORD}\n`
    writeFileSync(join(home, '.pgpass'), line, { mode: 0o600 })
    expect(await list({ DSCTL_DATABASE_URL: url(gateWithPassword) }, home)).toMatchObject({ code: 0 })
    const PGPASSFILE = join(home, '.pgpass')
    expect(await list({ DSCTL_DATABASE_URL: url(gateWithPassword), PGPASSFILE })).toMatchObject({ code: 0 })
  })

  test('that is missing or wrong exits 3, and is not printed', async () => {
    const missing = jsonError(await list({ DSCTL_DATABASE_URL: url(gateWithPassword) }))
    expect(missing).toMatchObject({ exit_code: 3, hint: expect.stringContaining('~/.pgpass') })
    const wrong = await list({ DSCTL_DATABASE_URL: url(gateWithPassword), PGPASSWORD: 'wrong-canary' })
    expect(wrong.code).toBe(3)
    expect(wrong.stderr).not.toContain('wrong-canary')
  })
})

describe('Without a URL', () => {
  test('the PG* variables locate Postgres', async () => {
    const gateWithPassword = await gate({ password: PASSWORD })
    const env = { PGHOST: 'localhost', PGPORT: String(gateWithPassword.port), PGDATABASE: database, PGUSER: 'postgres' }
    expect(await list({ ...env, PGPASSWORD: PASSWORD })).toMatchObject({ code: 0 })
  })

  test('a service file locates it, from PGSERVICEFILE or the home folder', async () => {
    const gateWithPassword = await gate({ password: PASSWORD })
    const home = temporaryFolder()
    const file = join(home, '.pg_service.conf')
    writeFileSync(
      file,
      `# services\n[other]\nhost=nowhere.invalid\n\n[app]\nhost = localhost\nport=${gateWithPassword.port}\n#port=1\n` +
        `dbname=${database}\nuser=postgres\npassword=${PASSWORD}\napplication_name=x\n[last]\nport=1\n`,
    )
    expect(await list({ PGSERVICE: 'app' }, home)).toMatchObject({ code: 0 })
    expect(await list({ PGSERVICE: 'app', PGSERVICEFILE: file, PGPORT: '1' })).toMatchObject({ code: 0 })
    expect((await list({ PGSERVICE: 'other' }, home)).code).toBe(7)
    const unknown = jsonError(await list({ PGSERVICE: 'ap' }, home))
    expect(unknown).toMatchObject({ exit_code: 2, fields: [{ field: 'PGSERVICE' }] })
  })
})

test('The URL overrides the service file, which supplies the rest', async () => {
  const gateWithPassword = await gate({ password: PASSWORD })
  const home = temporaryFolder()
  writeFileSync(join(home, '.pg_service.conf'), `[app]\nhost=nowhere.invalid\nuser=postgres\npassword=${PASSWORD}\n`)
  const DSCTL_DATABASE_URL = `postgres://localhost:${gateWithPassword.port}/${database}?service=app`
  expect(await list({ DSCTL_DATABASE_URL }, home)).toMatchObject({ code: 0 })
})

describe('sslmode', () => {
  let certificate: Certificate
  let root: string
  let encrypting: Gate
  let plain: Gate

  beforeAll(async () => {
    certificate = certificateFor('localhost')
    root = join(temporaryFolder(), 'root.crt')
    writeFileSync(root, certificate.cert)
    encrypting = await gate({ tls: certificate })
    plain = await gate({})
  })

  test.each(['prefer', 'require'])('%s encrypts if the server can, with any certificate', async mode => {
    expect(await list({ DSCTL_DATABASE_URL: url(encrypting, `?sslmode=${mode}`) })).toMatchObject({ code: 0 })
    expect(encrypting.sessions.at(-1)).toEqual({ encrypted: true })
  })

  test('prefer falls back to plain text without TLS, and require fails', async () => {
    expect(await list({ DSCTL_DATABASE_URL: url(plain, '?sslmode=prefer') })).toMatchObject({ code: 0 })
    expect(plain.sessions.at(-1)).toEqual({ encrypted: false })
    const seen = plain.sessions.length
    const refused = jsonError(await list({ DSCTL_DATABASE_URL: url(plain, '?sslmode=require') }))
    expect(refused).toMatchObject({ exit_code: 7, message: expect.stringContaining('does not support TLS') })
    expect(plain.sessions.length).toBe(seen)
  })

  test('disable is refused by a server that requires TLS', async () => {
    expect((await list({ DSCTL_DATABASE_URL: url(encrypting, '?sslmode=disable') })).code).toBe(3)
  })

  test('verify-ca requires a known authority, and verify-full a matching name too', async () => {
    const known = `&sslrootcert=${encodeURIComponent(root)}`
    const codes = async (gate: Gate, rest: string, host?: string) =>
      (await list({ DSCTL_DATABASE_URL: url(gate, rest, host) })).code
    expect(await codes(encrypting, '?sslmode=verify-ca')).toBe(2) // as in libpq, it needs a root certificate
    expect(await codes(encrypting, `?sslmode=verify-ca${known}`, '127.0.0.1')).toBe(0)
    expect(await codes(encrypting, `?sslmode=verify-full${known}`, 'localhost')).toBe(0)
    expect(await codes(encrypting, `?sslmode=verify-full${known}`, '127.0.0.1')).toBe(7)
  })

  test('also comes from PGSSLMODE and PGSSLROOTCERT, with the same meaning', async () => {
    const DSCTL_DATABASE_URL = url(encrypting)
    expect((await list({ DSCTL_DATABASE_URL, PGSSLMODE: 'require' })).code).toBe(0)
    expect((await list({ DSCTL_DATABASE_URL, PGSSLMODE: 'verify-full' })).code).toBe(7)
    expect((await list({ DSCTL_DATABASE_URL, PGSSLMODE: 'verify-full', PGSSLROOTCERT: root })).code).toBe(0)
    expect((await list({ DSCTL_DATABASE_URL, PGSSLMODE: 'sometimes' })).code).toBe(2)
  })
})

describe('database.vaultRole', () => {
  let mount: string
  let policy: string

  beforeAll(async () => {
    mount = `db-${acme.vault.mount}`
    policy = await acme.vault.createPolicy(
      'db',
      `${adminPolicy(acme.vault.mount)}\n${markedBlock('policy: database').replaceAll('"database/', `"${mount}/`)}`,
    )
    await acme.database.query(`CREATE ROLE "${group()}"`)
    await acme.database.query(markedBlock('grants: admin').replaceAll('dsctl_admin', `"${group()}"`))
    if (VAULT && POSTGRES_URL) await realEngine(POSTGRES_URL)
  })

  afterAll(async () => {
    await acme.vault.request('DELETE', `sys/mounts/${mount}`)
    await acme.database.query(`DROP OWNED BY "${group()}"; DROP ROLE "${group()}"`)
  })

  const group = () => `${database}_group`

  async function realEngine(server: string): Promise<void> {
    const post = async (path: string, body: object) => {
      const { status, body: answer } = await acme.vault.request('POST', path, { body })
      if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`)
    }
    const { hostname, port } = new URL(server)
    await post(`sys/mounts/${mount}`, { type: 'database' })
    await post(`${mount}/config/pg`, {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://postgres@${hostname}:${port}/${database}?sslmode=disable`,
    })
    await post(`${mount}/roles/dsctl`, {
      db_name: 'pg',
      default_ttl: '5m',
      creation_statements: [
        `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE "${group()}"`,
      ],
    })
  }

  /** Has the proxy imitate the database engine, unless both servers are real. */
  async function issue(revocation = 204): Promise<void> {
    if (VAULT && POSTGRES_URL) return
    const { role } = await acme.database.createRole()
    await acme.database.query(`GRANT "${group()}" TO "${role}"`)
    const data = { username: role, password: PASSWORD }
    proxied.vault.at(/creds\/dsctl/, answerWith(200, { lease_id: `${mount}/creds/dsctl/1`, lease_duration: 300, data }))
    proxied.vault.at(/sys\/leases\/revoke/, answerWith(revocation, {}))
  }

  async function run(args: readonly string[], policies = [policy]): Promise<RunResult> {
    const nobody = new URL(acme.database.url)
    nobody.username = 'nobody_at_all'
    const token = await acme.vault.userToken({ email: ADMIN, policies })
    const env = { ...proxied.env, DSCTL_DATABASE_URL: nobody.href, VAULT_TOKEN: token, DSCTL_ORG: 'Acme' }
    return dsctl(args, { env: { ...env, DSCTL_DATABASE_VAULT_ROLE: `${mount}/dsctl` } })
  }

  const roles = async () =>
    (await acme.database.query(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%dsctl%'`)).length

  test('has Vault issue credentials first and revoke them last', async () => {
    await issue()
    const before = proxied.vault.exchanges.length
    const result = await run(['whoami', '-o', 'json', '-v'])
    expect(json(result)).toMatchObject({ user: { email: ADMIN } })
    expect(result.stdout + result.stderr).not.toContain(PASSWORD)
    const calls = proxied.vault.exchanges.slice(before).map(({ path }) => path)
    expect(calls).toContain(`${mount}/creds/dsctl`)
    expect(calls.at(-1)).toBe('sys/leases/revoke')
    expect(await roles()).toBe(0)
  })

  test('revokes them after a failure too', async () => {
    await issue()
    const result = await run(['get', 'No such thing'])
    expect(result.code).toBe(5)
    expect(proxied.vault.exchanges.at(-1)?.path).toBe('sys/leases/revoke')
    expect(await roles()).toBe(0)
  })

  test('warns, but succeeds, if the token may not revoke them', async () => {
    await issue(403)
    const plain = `${adminPolicy(acme.vault.mount)}\npath "${mount}/creds/dsctl" { capabilities = ["read"] }`
    const result = await run(['list', '-o', 'json'], [await acme.vault.createPolicy('db-lesser', plain)])
    expect(result).toMatchObject({ code: 0, stdout: '[]\n' })
    expect(JSON.parse(result.stderr).warnings).toEqual([
      expect.stringContaining('not allowed to revoke the database credentials'),
    ])
  })

  test('exits 2 if Vault does not have the role', async () => {
    proxied.vault.at(/creds/, answerWith(400, { errors: ['unknown role'] }))
    const error = jsonError(await run(['list', '-o', 'json']))
    expect(error).toMatchObject({ exit_code: 2, fields: [{ field: 'database.vaultRole' }] })
  })

  test('exits 4 if the token may not use the role', async () => {
    proxied.vault.at(/creds/, answerWith(403, { errors: ['permission denied'] }))
    expect((await run(['list'])).code).toBe(4)
  })
})

describe('TLS to Vault', () => {
  test('needs VAULT_CACERT for a private certificate authority', async () => {
    const certificate = certificateFor('localhost')
    const server = createHttpsServer(certificate, (incoming, response) => {
      const { method, url = '', headers } = incoming
      const sent = httpRequest(`${acme.vault.addr}${url}`, { method, headers, agent: false }, answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      incoming.pipe(sent)
    })
    const port = await listen(server)
    const file = join(temporaryFolder(), 'ca.pem')
    writeFileSync(file, certificate.cert)
    const env = { DSCTL_DATABASE_URL: acme.database.url, VAULT_ADDR: `https://localhost:${port}` }
    expect(await list({ ...env, VAULT_CACERT: file })).toMatchObject({ code: 0, stderr: '' })
    const refused = jsonError(await list(env))
    expect(refused).toMatchObject({ exit_code: 7, hint: expect.stringContaining('VAULT_CACERT') })
    const missing = jsonError(await list({ ...env, VAULT_CACERT: `${file}.not` }))
    expect(missing).toMatchObject({ exit_code: 2, fields: [{ field: 'vault.caCert' }] })
    server.close()
  })

  test('is missed: a plain-http address of another machine gives a warning', async () => {
    const server = createServer((_, response) => response.end())
    const port = await listen(server)
    const env = { DSCTL_DATABASE_URL: acme.database.url, VAULT_ADDR: `http://vault.invalid:${port}` }
    expect((await list(env)).stderr).toContain('vault.addr is plain http')
    server.close()
  })
})
