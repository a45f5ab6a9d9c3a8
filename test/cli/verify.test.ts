import { createServer } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { listen } from '../support/listen.ts'
import { creation } from '../support/requests.ts'
import { json, jsonError, notes, startDsctl } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { type Everything, eventsOf, everythingIn, livePairs } from '../support/stored.ts'
import { terminal } from '../support/terminal.ts'

const SECRET = 'verify-canary-93bd'

let acme: Site
/** Fields that connect to the Postgres of dsctl itself, which accepts any password. */
let good: Readonly<Record<string, unknown>>
let bad: Readonly<Record<string, unknown>>

beforeAll(async () => {
  acme = await createSite()
  const url = new URL(acme.database.url)
  const at = { host: url.hostname, port: Number(url.port || 5432), default_database: url.pathname.slice(1) }
  good = { env: 'dev', type: 'postgres', username: 'postgres', password: SECRET, ...at }
  bad = { ...good, host: 'no-such-host.invalid' }
})

afterAll(() => acme?.drop())

beforeEach(async () => {
  for (const { name } of await livePairs(acme)) await acme.dsctl(['delete', name, '--yes'])
})

function create(request: object, ...more: readonly string[]) {
  const { args, stdin } = creation({ ...request })
  return acme.dsctl([...args, '--verify', ...more], { stdin })
}

/** Everything in both stores except the audit trail. */
async function stored(): Promise<Omit<Everything, 'events'>> {
  const { events: _, ...rest } = await everythingIn(acme)
  return rest
}

describe('create --verify', () => {
  test('creates a source that connects', async () => {
    expect(json(await create({ ...good, name: 'Sales' }))).toMatchObject({ name: 'Sales', db_type: 'postgres' })
    expect(await livePairs(acme)).toMatchObject([{ name: 'Sales', secret: { password: SECRET } }])
  })

  test('writes nothing if the connection fails, and exits with 8', async () => {
    const before = await stored()
    const result = await create({ ...bad, name: 'Sales' })
    expect(jsonError(result)).toMatchObject({
      ...{ code: 'unhealthy', exit_code: 8, hint: 'Nothing was written.' },
      message: expect.stringMatching(
        /^The connection failed\. Stage resolve, dns_failed: Host no-such-host.invalid not found/,
      ),
    })
    expect(await stored()).toEqual(before)
    expect(result.stdout + result.stderr).not.toContain(SECRET)
  })

  test('with --dry-run tests and writes nothing', async () => {
    const before = await stored()
    expect((await create({ ...good, name: 'Sales' }, '--dry-run')).code).toBe(0)
    expect((await create({ ...bad, name: 'Sales' }, '--dry-run')).code).toBe(8)
    expect(await stored()).toEqual(before)
  })

  test('does not test if the name is taken, and follows --if-exists', async () => {
    await create({ ...good, name: 'Sales' })
    expect((await create({ ...bad, name: 'Sales' })).code).toBe(6)
    expect((await create({ ...bad, name: 'Sales' }, '--if-exists', 'skip')).code).toBe(0)
    expect((await create({ ...bad, name: 'Sales' }, '--if-exists', 'update')).code).toBe(8)
    expect(await livePairs(acme)).toMatchObject([{ secret: { host: good.host } }])
    const updated = await create({ ...good, name: 'Sales', max_connections: 5 }, '--if-exists', 'update')
    expect(json(updated).credentials).toMatchObject({ max_connections: 5 })
  })

  test('ends at once on Ctrl-C, with nothing written', async () => {
    const server = createServer(socket => socket.on('error', () => {}).resume())
    const heard = new Promise(resolve => server.once('connection', resolve))
    const before = await stored()
    const { args, stdin } = creation({ ...good, name: 'Sales', host: '127.0.0.1', port: await listen(server) })
    const options = { env: acme.env, home: acme.home, stdin }
    const running = startDsctl([...args, '--verify', '--timeout', '60'], options)
    await heard
    const began = performance.now()
    running.signal('SIGINT')
    expect((await running.result).code).toBe(130)
    expect(performance.now() - began).toBeLessThan(900)
    expect(await stored()).toEqual(before)
    server.close()
  })
})

describe('update --verify', () => {
  const update = (...args: readonly string[]) => acme.dsctl(['update', 'Sales', '--verify', '-o', 'json', ...args])

  test('stores only what connects, and tests the merged fields', async () => {
    await create({ ...good, name: 'Sales' })
    expect(json(await update('--max-connections', '7')).credentials).toMatchObject({ max_connections: 7 })
    const before = await stored()
    const refused = await update('--host', 'no-such-host.invalid', '--set-name', 'Renamed')
    expect(jsonError(refused)).toMatchObject({ exit_code: 8, hint: 'Nothing was written.' })
    expect((await update('--default-schema', 'nowhere', '--dry-run')).code).toBe(8)
    expect(await stored()).toEqual(before)
  })

  test('does not test if nothing changes', async () => {
    await acme.dsctl(creation({ ...bad, name: 'Sales' }).args, { stdin: creation({ ...bad, name: 'Sales' }).stdin })
    const same = await update('--host', 'no-such-host.invalid')
    expect([same.code, same.stderr]).toEqual([0, notes('No changes: already up to date.')])
  })
})

describe('the wizard', () => {
  test('of update tests the result, and a failed test can be corrected', async () => {
    await acme.dsctl(creation({ ...good, name: 'Sales' }).args, { stdin: creation({ ...good, name: 'Sales' }).stdin })
    const before = await stored()
    const screen = terminal(['update', 'Sales'], { env: acme.env, home: acme.home })
    const answers: [string, string][] = [
      ['Host: (', '\u0015no-such-host.invalid\r'],
      ['Port: (', '\r'],
      ['Username: (', '\r'],
      ['Password (Enter keeps', '\r'],
      ['Default database: (', '\r'],
      ['Default schema', '\r'],
      ['Connect through an SSH jump host?', '\r'],
      ['More settings?', '\r'],
      ['Save the changes to host?', '\u001b[B\u001b[B\r'],
      ['Stage resolve, dns_failed', ''],
    ]
    const answer = async ([question, keys]: [string, string]) => {
      await screen.waitFor(question)
      if (keys) screen.type(keys)
    }
    for (const each of answers) await answer(each)
    expect(await stored()).toEqual(before)
    await answer(['Save the changes to host?', '\u001b[B\r'])
    await answer(['Which field?', '\r'])
    await answer(['Host: no-such-host.invalid', '\u0015localhost\r'])
    await answer(['Save the changes to host?', '\u001b[B\u001b[B\r'])
    await answer(['Save the changes to host?', '\r'])
    expect((await screen.exit).code, screen.text()).toBe(0)
    expect(screen.text()).not.toContain(SECRET)
    const tests = await eventsOf(acme, `action = 'test' AND data_source_name = 'Sales'`)
    expect(tests.map(({ outcome }) => outcome)).toEqual(['failed', 'done'])
  })

  test('tests the typed fields on request, and continues', async () => {
    const env = { ...acme.env, PW: SECRET }
    const at = ['--type', 'postgres', '--host', 'no-such-host.invalid', '--port', '5432', '--username', 'u']
    const screen = terminal(['create', 'Sales', '--env', 'dev', ...at, '--password', 'env:PW'], {
      env,
      home: acme.home,
    })
    await screen.waitFor('Default database')
    screen.type('main\n')
    for (const question of ['Default schema', 'Connect through an SSH jump host?', 'More settings?']) {
      await screen.waitFor(question)
      screen.press('enter')
    }
    await screen.waitFor('Test the connection')
    screen.press('down')
    await screen.waitFor('❯ Edit a field')
    screen.press('down')
    await screen.waitFor('❯ Test the connection')
    screen.press('enter')
    await screen.waitFor('Stage resolve, dns_failed')
    await screen.waitFor('Save this data source?')
    screen.press('ctrlC')
    expect((await screen.exit).code).toBe(130)
    expect(await livePairs(acme)).toEqual([])
  })
})
