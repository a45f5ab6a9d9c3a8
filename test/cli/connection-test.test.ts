import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listen } from '../support/listen.ts'
import { mysqlGreeting, mysqlPacket } from '../support/mysql-server.ts'
import { creation, folderWith } from '../support/requests.ts'
import { json, jsonError, type RunResult, startDsctl } from '../support/run.ts'
import { ADMIN, createSite, type Site } from '../support/site.ts'
import { eventsOf } from '../support/stored.ts'

const SECRET = 'connection-canary-4d1e'
const REQUEST = {
  ...{ name: 'Sales', env: 'dev', type: 'postgres', host: '127.0.0.1', username: 'postgres', password: SECRET },
  default_database: 'postgres',
}

let acme: Site
/** The Postgres of dsctl itself, which accepts any password. */
let database: { host: string; port: number; default_database: string }
const servers: Server[] = []
const sockets = new Set<Socket>()

beforeAll(async () => {
  acme = await createSite()
  const url = new URL(acme.database.url)
  database = { host: url.hostname, port: Number(url.port || 5432), default_database: url.pathname.slice(1) }
})

afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
  await acme?.drop()
})

/** A port whose connections `answer` handles. */
async function port(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    answer(socket)
  })
  servers.push(server)
  return listen(server)
}

const silent = () => port(socket => socket.resume())

function testFile(request: object, ...more: readonly string[]): Promise<RunResult> {
  return acme.dsctl(['test', '-f', '-', '-o', 'json', ...more], { stdin: JSON.stringify({ ...REQUEST, ...request }) })
}

async function verdict(request: object, ...more: readonly string[]) {
  const result = await testFile(request, ...more)
  expect(result.stdout + result.stderr).not.toContain(SECRET)
  const [found] = json(result)
  expect(result.code).toBe(found.ok ? 0 : 8)
  return found
}

async function create(name: string, request: object): Promise<string> {
  const { args, stdin } = creation({ ...REQUEST, ...request, name })
  return json(await acme.dsctl(args, { stdin })).id
}

describe('test -f', () => {
  test('reports success with the server’s version, and saves nothing', async () => {
    expect(await verdict(database)).toEqual({
      ...{ id: null, name: 'Sales', type: 'postgres', ok: true, stage: 'query', code: 'ok' },
      message: expect.stringMatching(/^Connected: PostgreSQL \d/),
      latency_ms: expect.any(Number),
      server_version: expect.stringMatching(/^PostgreSQL \d/),
    })
    expect(json(await acme.dsctl(['list', '-o', 'json']))).toEqual([])
  })

  test('reports an unknown host and a closed port', async () => {
    expect(await verdict({ host: 'no-such-host.invalid' })).toMatchObject({ stage: 'resolve', code: 'dns_failed' })
    const closed = createServer()
    const free = await listen(closed)
    await new Promise(resolve => closed.close(resolve))
    expect(await verdict({ port: free })).toMatchObject({
      ...{ stage: 'reach', code: 'unreachable', server_version: null },
      message: `127.0.0.1:${free} refused the connection: nothing listens on that port, or a firewall blocks it.`,
    })
  })

  test.each(['postgres', 'mysql'])('times out on a port that never responds: %s', async type => {
    const began = performance.now()
    const found = await verdict({ type, port: await silent() }, '--timeout', '1')
    expect(found).toMatchObject({
      stage: 'tls',
      code: 'timeout',
      message: expect.stringContaining('accepted the connection but'),
    })
    expect(found.latency_ms).toBeLessThan(2000)
    expect(performance.now() - began).toBeLessThan(8000)
  })

  test.each(['postgres', 'mysql'])('reports a port that sends garbage or hangs up: %s', async type => {
    const nonsense = await port(socket => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(await verdict({ type, port: nonsense })).toMatchObject({
      ...{ code: 'failed', message: expect.stringMatching(/answered, but not in the \w+ protocol/) },
    })
    const gone = await port(socket => socket.destroy())
    expect(await verdict({ type, port: gone })).toMatchObject({
      ...{ code: 'failed', message: expect.stringContaining('closed the connection at once') },
    })
  })

  test.each([
    ['an unknown authentication request', [82, 0, 0, 0, 8, 0, 0, 0, 99]],
    ['a truncated row description', [84, 0, 0, 0, 6, 255, 255]],
    ['a truncated row', [82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73, 68, 0, 0, 0, 6, 0, 9]],
    ['garbage', [200, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6]],
  ])('survives a Postgres that sends %s', async (_, bytes) => {
    let asked = 0
    const odd = await port(socket => socket.on('data', () => socket.write(asked++ ? Buffer.from(bytes) : 'N')))
    const found = await verdict({ port: odd }, '--timeout', '3')
    expect(found).toMatchObject({ ok: false, code: expect.stringMatching(/^(failed|timeout)$/) })
  })

  test('ignores the variables of dsctl’s database, and works with a pooler', async () => {
    let startup = ''
    const odd = await port(socket =>
      socket.on('data', (chunk: Buffer) => {
        if (chunk.length > 8) startup = chunk.toString('latin1')
        socket.write(chunk.length > 8 ? 'E' : 'N')
      }),
    )
    const stdin = JSON.stringify({ ...REQUEST, port: odd })
    const env = { PGOPTIONS: '-c application_name=other', PGAPPNAME: 'other', PGUSER: 'other' }
    await acme.spawnDsctl(['test', '-f', '-', '--timeout', '1'], { stdin, env }).result
    const words = startup.slice(8).split('\0').filter(Boolean)
    expect(words).toEqual(expect.arrayContaining(['user', 'postgres', 'database', 'application_name', 'dsctl']))
    expect(words).not.toContain('options')
    expect(startup).not.toContain('other')
  })

  test.each([
    ['a plugin that dsctl lacks', 'auth_gssapi_client', 'the authentication plugin auth_gssapi_client, which'],
    [
      'a plugin that sends the password',
      'mysql_clear_password',
      'the authentication plugin mysql_clear_password, which',
    ],
    ['a plugin with an odd name', 'x\u001b[31m y', 'an authentication plugin, which'],
  ])('reports a MySQL account with %s at stage authenticate', async (_, plugin, part) => {
    let received = ''
    const server = await port(socket => {
      socket.write(mysqlGreeting({ tls: false }))
      socket.on('data', chunk => {
        received += chunk.toString('latin1')
        socket.write(mysqlPacket(2, Buffer.from(`\xfe${plugin}\0${'n'.repeat(20)}\0`, 'latin1')))
      })
    })
    const found = await verdict({ type: 'mysql', port: server })
    expect(found).toMatchObject({ stage: 'authenticate', code: 'auth_failed', message: expect.stringContaining(part) })
    expect(received).not.toContain(SECRET)
  })

  test.each([
    ['blocks this host', 1129, 'permission_denied', 'FLUSH HOSTS (1129).'],
    ['has no account for this host', 1130, 'permission_denied', 'does not allow connections from this host (1130).'],
    ['has too many connections', 1040, 'failed', 'has too many connections (1040).'],
    ['returns another error', 1999, 'failed', 'The server returned an error (1999).'],
  ])('reports a MySQL server that %s before the login', async (_, errno, code, part) => {
    const body = Buffer.from('\xff..#HY000 some text', 'latin1')
    body.writeUInt16LE(errno, 1)
    const server = await port(socket => socket.write(mysqlPacket(0, body)))
    const found = await verdict({ type: 'mysql', port: server })
    expect(found).toMatchObject({ stage: 'authenticate', code, message: expect.stringContaining(part) })
  })

  test('checks the schema too', async () => {
    expect(await verdict({ ...database, default_schema: 'nowhere' })).toMatchObject({
      ...{ stage: 'database', code: 'database_not_found', message: 'The database has no schema nowhere.' },
    })
  })

  test('requires TLS only if ssl_mode does', async () => {
    const plain = await port(socket => socket.once('data', () => socket.write('N')))
    expect(await verdict({ port: plain, ssl_mode: 'require' })).toMatchObject({
      ...{ stage: 'tls', code: 'tls_failed', message: 'The server does not support TLS, but ssl_mode requires it.' },
    })
    const found = await verdict({ port: plain, ssl_mode: 'prefer' }, '--timeout', '1')
    expect(found).toMatchObject({ stage: 'authenticate', code: 'timeout' })
  })

  test('is denied without permission to change data sources', async () => {
    const victor = await acme.addPerson({ email: 'victor@example.com', role: 'viewer' })
    const options = { stdin: JSON.stringify({ ...REQUEST, ...database }), env: victor.env }
    expect((await acme.dsctl(['test', '-f', '-'], options)).code).toBe(4)
  })

  test('reports every problem of a request, without connecting', async () => {
    const error = jsonError(await testFile({ port: 0, username: undefined }))
    expect(error).toMatchObject({ exit_code: 2 })
    expect(error.fields?.map(({ field }) => field).sort()).toEqual(['port', 'username'])
  })
})

describe('test', () => {
  test('requires exactly one way to select sources', async () => {
    expect((await acme.dsctl(['test'])).code).toBe(2)
    expect((await acme.dsctl(['test', 'Sales', '--all'])).code).toBe(2)
    expect((await acme.dsctl(['test', '-f', '-', '--onboard'], { stdin: '{}' })).code).toBe(2)
    expect((await acme.dsctl(['test', 'Nothing'])).code).toBe(5)
    expect((await acme.dsctl(['test', '--type', 'oracle'])).code).toBe(2)
  })

  test('tests stored sources, continues after a failure, and is audited', async () => {
    const good = await create('Good', database)
    const bad = await create('Bad', { type: 'mysql', host: 'no-such-host.invalid', env: 'test' })
    const one = await acme.dsctl(['test', 'Good', '-o', 'json'])
    expect([one.code, json(one)]).toEqual([0, [expect.objectContaining({ id: good, name: 'Good', ok: true })]])
    const named = await acme.dsctl(['test', 'Nothing', bad, 'Good', '-o', 'json'])
    expect([named.code, json(named).map(({ id, code }: Record<string, unknown>) => [id, code])]).toEqual([
      8,
      [
        [null, 'failed'],
        [bad, 'dns_failed'],
        [good, 'ok'],
      ],
    ])
    expect(json(await acme.dsctl(['test', '--type', 'mysql', '-o', 'json']))).toMatchObject([{ id: bad }])
    expect(json(await acme.dsctl(['test', '--all', '--env', 'dev', '-o', 'json']))).toMatchObject([{ id: good }])
    const all = await acme.dsctl(['test', '--all'])
    expect(all.stdout).toMatch(/^NAME +TYPE +STAGE +RESULT +MS +MESSAGE\n/)
    expect(all.stderr).toBe('dsctl: 1 of 2 did not connect.\n')
    const events = await eventsOf(acme, "action = 'test'")
    expect(events.map(({ name, outcome, actor_email }) => [name, outcome, actor_email])).toContainEqual([
      ...['Good', 'done', ADMIN],
    ])
    expect(events.filter(({ name }) => name === 'Good')).toHaveLength(4)
    expect(events.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)).toContain('Nothing')
  })

  test('with --onboard changes the status, with the failure as its error', async () => {
    const onboard = async (name: string) => {
      // A source given twice is tested once. Two tests at once would both change the status.
      const { code, stderr } = await acme.dsctl(['test', name, name, '--onboard'])
      expect(stderr).not.toContain('Somebody else')
      const { onboarding_status, onboarding_error } = json(await acme.dsctl(['get', name, '-o', 'json']))
      return [code, onboarding_status, onboarding_error]
    }
    await create('Onboarded', database)
    expect(await onboard('Onboarded')).toEqual([0, 'completed', null])
    expect(await onboard('Onboarded')).toEqual([0, 'completed', null])
    await create('Lost', { host: 'no-such-host.invalid' })
    const error = 'resolve, dns_failed: Host no-such-host.invalid not found (ENOTFOUND). Check its name.'
    expect(await onboard('Lost')).toEqual([8, 'failed', error])
    await acme.dsctl(['update', 'Lost', '--host', database.host, '--port', String(database.port)])
    await acme.dsctl(['update', 'Lost', '--default-database', database.default_database])
    expect(await onboard('Lost')).toEqual([0, 'completed', null])
    await acme.dsctl(['update', 'Lost', '--host', 'no-such-host.invalid'])
    expect(await onboard('Lost')).toEqual([8, 'completed', null])
  })

  test('reports missing and unusable credentials', async () => {
    await acme.addDataSource({ name: 'Bare' })
    const [bare] = json(await acme.dsctl(['test', 'Bare', '-o', 'json']))
    expect(bare).toMatchObject({ code: 'failed', message: 'The data source has no credentials in Vault.' })
    const id = await acme.addDataSource({ name: 'Odd' })
    await acme.vault.writeSecret(`data-sources/${id}`, { type: 'postgres', host: 'h.example.com', password: SECRET })
    const odd = await acme.dsctl(['test', 'Odd', '-o', 'json'])
    expect(json(odd)[0].message).toContain('The credentials cannot be used: username is required; ')
    expect(odd.stdout + odd.stderr).not.toContain(SECRET)
  })

  test('stops at once on Ctrl-C, without setting the status to failed', async () => {
    const id = await create('Silent', { port: await silent() })
    const running = startDsctl(['test', id, '--onboard', '--timeout', '60'], { env: acme.env, home: acme.home })
    const status = async () => {
      const [row] = await acme.database.query('SELECT onboarding_status FROM data_sources WHERE id = $1', [id])
      return row.onboarding_status
    }
    await expect.poll(status, { timeout: 20_000 }).toBe('inProgress')
    await new Promise(resolve => setTimeout(resolve, 500))
    const began = performance.now()
    running.signal('SIGINT')
    const { code, stdout } = await running.result
    expect([code, stdout]).toEqual([130, ''])
    expect(performance.now() - began).toBeLessThan(900)
    expect(await status()).toBe('inProgress')
  })

  test('resolves relative secret files from the request’s folder', async () => {
    const request = { ...REQUEST, ...database, name: undefined, env: undefined, password: { from: '@pw' } }
    const folder = folderWith({ 'r.json': JSON.stringify(request), pw: `${SECRET}\n` })
    const result = await acme.dsctl(['test', '-f', 'r.json', '-o', 'json'], { cwd: folder })
    expect(json(result)).toMatchObject([{ ok: true, name: 'r.json' }])
  })
})
