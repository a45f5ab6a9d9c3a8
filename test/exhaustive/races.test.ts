import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { violationsIn } from '../support/invariants.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import type { RunResult } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { createSite, type Site } from '../support/site.ts'
import { killAt, moments } from '../support/steps.ts'
import { eventsOf, expireLeases, type Row } from '../support/stored.ts'
import { type Ended, type Worker, type Workers, workers } from '../support/workers.ts'

// Commands that run at the same time, in several processes. A round has several races at once, each of sources of its
// own, since those who wait for each other leave time for others.

const ROUNDS = Math.ceil(Number(process.env.DSCTL_TEST_ROUNDS ?? 20) / 20)
const RACES = 4
const N = 8
const PROCESSES = 3

describe.runIf(REAL_POSTGRES)('concurrent commands', () => {
  let site: Site
  let crew: Workers
  let processes: Worker[]
  let proxied: ProxiedSite

  beforeAll(async () => {
    site = await createSite()
    proxied = await proxySite(site)
    crew = workers(site.home, {})
    processes = await Promise.all(Array.from({ length: PROCESSES }, () => crew.take()))
  })
  afterEach(async () => {
    expect(await violationsIn(site)).toEqual([])
  })
  afterAll(async () => {
    crew?.close()
    proxied?.close()
    await site?.drop()
  })

  let turn = 0
  /** Runs a command in the next process, concurrently with other commands there. */
  async function run(args: readonly string[]): Promise<Ended> {
    const worker = processes[turn++ % processes.length]
    const env = { ...site.env, PASSWORD: 'secret', OTHER: 'other' }
    const ended = await worker?.run({ args: [...args, '-o', 'json'], env, version: '0.0.0' })
    if (!ended) throw new Error('A worker is gone.')
    return ended
  }

  /** Many rounds of many races; after each round both stores are looked at. */
  async function rounds(race: (name: string) => Promise<void>): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(Array.from({ length: RACES }, () => race(randomUUID())))
      expect(await violationsIn(site)).toEqual([])
    }
  }

  const FIELDS = ['--type', 'postgres', '--username', 'u', '--password', 'env:PASSWORD', '--default-database', 'd']
  const creation = (name: string, host: string) => ['create', name, '--env', 'dev', '--host', host, ...FIELDS]

  async function created(name: string): Promise<string> {
    return JSON.parse(done(await run(creation(name, 'old.example.com'))).stdout).id
  }

  function done(ended: Ended): Ended {
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    return ended
  }

  const codes = (all: readonly { code: number | null }[]) => all.map(({ code }) => code).sort()

  /** The live sources of these names, or with this id, each with its secret. */
  async function live(...names: readonly string[]): Promise<Row[]> {
    const rows = await site.database.query(
      'SELECT id, name, env, secret_id FROM data_sources WHERE deleted_at IS NULL AND (name = ANY($1) OR id::text = ANY($1))',
      [names],
    )
    return Promise.all(
      rows.map(async ({ id, name, env, secret_id }) => {
        return { id, name, env, secret: (await site.vault.readSecret(`data-sources/${secret_id}`))?.data }
      }),
    )
  }

  /** How often the audit trail tells something of a source as done. */
  async function timesDone(action: string, id: string): Promise<number> {
    return (await eventsOf(site, `outcome = 'done' AND action = $1 AND data_source_id = $2`, [action, id])).length
  }

  const conflict = { code: 6, stderr: expect.stringContaining('"conflict"') }

  test('of concurrent creates of one name, one succeeds and the others leave nothing', async () => {
    await rounds(async name => {
      const all = await Promise.all(Array.from({ length: N }, (_, n) => run(creation(name, `h${n}`))))
      const winner = all.findIndex(({ code }) => code === 0)
      expect(codes(all)).toEqual([0, ...Array(N - 1).fill(6)])
      for (const ended of all.filter((_, n) => n !== winner)) expect(ended).toMatchObject(conflict)
      expect(await live(name)).toMatchObject([{ name, secret: { host: `h${winner}`, password: 'secret' } }])
    })
  })

  test('creates in separate processes behave the same', async () => {
    const name = randomUUID()
    const env = { PASSWORD: 'secret' }
    const all = await Promise.all(Array.from({ length: N }, (_, n) => site.dsctl(creation(name, `h${n}`), { env })))
    expect(codes(all)).toEqual([0, ...Array(N - 1).fill(6)])
    expect(await live(name)).toHaveLength(1)
  })

  test('concurrent updates of different fields of one record are all kept', async () => {
    await rounds(async name => {
      const id = await created(name)
      const changes = {
        host: ['--host', 'new.example.com'],
        port: ['--port', '7000'],
        username: ['--username', 'other'],
        password: ['--password', 'env:OTHER'],
        default_database: ['--default-database', 'other'],
        default_schema: ['--default-schema', 'other'],
        name: ['--set-name', `${name} new`],
        env: ['--set-env', 'prod'],
      }
      const all = await Promise.all(
        Object.values(changes).map(change => run(['update', id, '--timeout', '30', ...change])),
      )
      for (const ended of all) done(ended)
      const secret = {
        ...{ type: 'postgres', host: 'new.example.com', port: 7000, username: 'other', password: 'other' },
        ...{ default_database: 'other', default_schema: 'other' },
      }
      expect(await live(id)).toEqual([{ id, name: `${name} new`, env: 'prod', secret }])
      expect(await timesDone('update', id)).toBe(Object.keys(changes).length)
    })
  })

  test('two updates of name and host never mix their values', async () => {
    await rounds(async name => {
      const id = await created(name)
      const to = (which: string) =>
        run(['update', id, '--set-name', `${name} ${which}`, '--host', `${which}.example.com`])
      const all = await Promise.all(['a', 'b', 'c'].map(to))
      for (const ended of all) done(ended)
      const [source] = await live(id)
      expect(source?.secret.host).toBe(`${source?.name.at(-1)}.example.com`)
      expect(await timesDone('update', id)).toBe(3)
    })
  })

  test('an update and a delete leave no record, secret or later update', async () => {
    await rounds(async name => {
      const id = await created(name)
      const [update, remove] = await Promise.all([run(['update', id, '--port', '7000']), run(['delete', id, '--yes'])])
      done(remove)
      expect([0, 5], update.stderr).toContain(update.code)
      expect(await live(id)).toEqual([])
      expect(await timesDone('delete', id)).toBe(1)
      expect(await timesDone('update', id)).toBe(update.code === 0 ? 1 : 0)
    })
  })

  test('of concurrent deletes of one record, one succeeds and is audited once', async () => {
    await rounds(async name => {
      const id = await created(name)
      const all = await Promise.all([1, 2, 3, 4].map(() => run(['delete', id, '--yes'])))
      // A command that finds an unfinished delete finishes it and reports the record as deleted.
      expect(codes(all)[0]).toBe(0)
      for (const { code } of all) expect([0, 5]).toContain(code)
      expect(await live(id)).toEqual([])
      expect(await timesDone('delete', id)).toBe(1)
    })
  })

  test('of a rename and a create of one name, one leaves nothing', async () => {
    await rounds(async name => {
      const wanted = `${name} wanted`
      const [plain, whole] = [await created(name), await created(`${name} too`)]
      const all = await Promise.all([
        run(['update', plain, '--set-name', wanted]),
        run(creation(wanted, 'created.example.com')),
        run(['update', whole, '--set-name', wanted, '--host', 'renamed.example.com']),
      ])
      expect(codes(all)).toEqual([0, 6, 6])
      const host = ['old.example.com', 'created.example.com', 'renamed.example.com'][all.findIndex(({ code }) => !code)]
      expect(await live(wanted)).toMatchObject([{ secret: { host } }])
      const others = (await live(name, `${name} too`)).map(({ secret }) => secret.host)
      expect(others).toEqual(others.map(() => 'old.example.com'))
      expect(others).toHaveLength(all[1].code === 0 ? 2 : 1)
    })
  })

  test('a statement that waited for another has a later audit time', async () => {
    const id = await created(randomUUID())
    const other = new pg.Client(site.database.url)
    await other.connect()
    await other.query('begin')
    await other.query('select from data_sources where id = $1 for update', [id])
    const waiting = run(['update', id, '--set-env', 'prod'])
    const locked = "select from pg_stat_activity where wait_event_type = 'Lock' and query like '/* dsctl update */%'"
    await expect.poll(() => site.database.query(locked), { timeout: 5_000 }).toHaveLength(1)
    await other.query('update data_sources set updated_at = clock_timestamp() where id = $1', [id])
    await other.query('create temporary table before as select updated_at from data_sources where id = $1', [id])
    await other.query('commit')
    expect((await waiting).code).toBe(0)
    const { rows } = await other.query(
      `select d.updated_at > b.updated_at as changed, e.at > b.updated_at as audited
       from before b, data_sources d join dsctl.audit_events e on e.data_source_id = d.id and e.action = 'update'
       where d.id = $1`,
      [id],
    )
    await other.end()
    expect(rows).toEqual([{ changed: true, audited: true }])
  })

  test('doctor --fix does not affect running commands or report their intents', async () => {
    let working = true
    const doctors = [1, 2].map(async () => {
      const said: Ended[] = []
      while (working) said.push(await run(['doctor', '--fix']))
      return said
    })
    try {
      await rounds(async name => {
        const id = await created(name)
        for (const port of [7001, 7002])
          done(await run(['update', id, '--port', String(port), '--set-name', `${name} ${port}`]))
        expect(await live(id)).toMatchObject([{ name: `${name} 7002`, secret: { port: 7002 } }])
        if (turn % 2) done(await run(['delete', id, '--yes']))
      })
    } finally {
      working = false
    }
    const said = (await Promise.all(doctors)).flat()
    expect(said.length).toBeGreaterThan(0)
    for (const ended of said) expect(ended, ended.stdout).toMatchObject({ code: 0 })
  })

  test('two doctors settle leftover intents once', async () => {
    for (let round = 0; round < Math.ceil(ROUNDS / 2); round++) {
      const ids = [await created(randomUUID()), await created(randomUUID())]
      await killed(['create', randomUUID(), '--env', 'dev', '--host', 'h', ...FIELDS], 'create', 'after write secret')
      await killed(
        ['update', ids[0] ?? '', '--port', '7000', '--set-name', randomUUID()],
        'update',
        'after write secret',
      )
      await killed(['delete', ids[1] ?? '', '--yes'], 'delete', 'after begin')
      await expireLeases(site)
      const settled = `settled_by IS NOT NULL`
      const before = (await eventsOf(site, settled)).length
      for (const ended of await Promise.all([1, 2].map(() => run(['doctor', '--fix'])))) done(ended)
      expect(await violationsIn(site)).toEqual([])
      expect(await live(...ids)).toMatchObject([{ id: ids[0], secret: { port: 5432 } }])
      expect((await eventsOf(site, settled)).length - before).toBe(2)
    }
  })

  /** Runs a command that is killed at a moment of its work. */
  async function killed(args: readonly string[], operation: Parameters<typeof moments>[0], at: string): Promise<void> {
    const moment = moments(operation).find(each => each.at === at)
    if (!moment) throw new Error(`${operation} has no moment ${at}`)
    const running: { child?: ReturnType<ProxiedSite['spawn']>['child'] } = {}
    killAt(proxied, moment, () => {
      if (!running.child) throw new Error('nothing has been started')
      return running.child
    })
    const started = proxied.spawn(args, { env: { PASSWORD: 'secret' } })
    running.child = started.child
    const result: RunResult = await started.result
    expect(result).toMatchObject({ signal: 'SIGKILL' })
    await proxied.restore()
  }
})
