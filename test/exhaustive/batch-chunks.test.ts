import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { call, delay } from '../support/faults.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { json } from '../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../support/site.ts'
import { eventsOf, expireLeases, openIntentsIn, orphanSecretsIn } from '../support/stored.ts'

// More items than fit in one statement. A failure of one item must not affect the others in its statement.

const MANY = 230
let site: Site
let proxied: ProxiedSite
let counter = 0
let env: string

beforeAll(async () => {
  if (ON_EMBEDDED) return
  site = await createSite()
  proxied = await proxySite(site)
})
afterEach(() => proxied?.restore())
afterAll(async () => {
  proxied?.close()
  await site?.drop()
})
beforeEach(() => {
  env = `env${++counter}`
})

const nameOf = (at: number) => `Source ${String(at).padStart(3, '0')}`
const many = (more: object = {}, count = MANY) =>
  Array.from({ length: count }, (_, at) => ({ name: nameOf(at), env, type: 'postgres', ...plainFields, ...more }))
const apply = (requests: unknown, ...args: string[]) =>
  proxied.dsctl(['apply', '-f', '-', '-o', 'json', ...args], { stdin: JSON.stringify(requests) })
type ItemResult = { name: string; action: string; error: { code: string; message: string } | null }
const itemsOf = (result: Awaited<ReturnType<typeof apply>>): ItemResult[] => json(result)
const counts = (result: Awaited<ReturnType<typeof apply>>) => {
  const found: Record<string, number> = {}
  for (const { action } of itemsOf(result)) found[action] = (found[action] ?? 0) + 1
  return found
}
const namesLive = async () =>
  (
    await site.database.query(`SELECT name FROM data_sources WHERE env = $1 AND deleted_at IS NULL ORDER BY name`, [
      env,
    ])
  ).map(({ name }) => name)
const allNames = (count = MANY) => Array.from({ length: count }, (_, at) => nameOf(at))
const statements = (since: number, which: RegExp) =>
  proxied.postgres.statements.slice(since).filter(({ sql }) => which.test(sql)).length
/** Late messages of a killed process, or its leases, can make items fail. If so, expires the leases and applies again. */
const again = async (requests: unknown[]) => {
  await proxied.restore()
  let result: Awaited<ReturnType<typeof apply>> | undefined
  for (let tries = 0; tries < 3 && result?.code !== 0; tries++) {
    await new Promise(resolve => setTimeout(resolve, 300))
    await expireLeases(site)
    result = await apply(requests)
  }
  expect(result?.code, result?.stderr).toBe(0)
  return result as Awaited<ReturnType<typeof apply>>
}
const nothingLeft = async () => {
  await expireLeases(site)
  await site.dsctl(['doctor', '--fix'])
  expect(await openIntentsIn(site)).toEqual([])
  expect(await orphanSecretsIn(site)).toEqual([])
}

describe.skipIf(ON_EMBEDDED)('apply of several chunks', () => {
  test('creates, updates, keeps and deletes all items in few statements', async () => {
    const since = proxied.postgres.statements.length
    expect(counts(await apply(many()))).toEqual({ created: MANY })
    expect(statements(since, /dsctl begin create/)).toBeLessThan(MANY / 4)
    expect(await namesLive()).toEqual(allNames())
    const changed = many().map((each, at) => (at % 2 ? { ...each, port: 6000 } : each))
    expect(counts(await apply(changed))).toEqual({ unchanged: MANY / 2, updated: MANY / 2 })
    expect(counts(await apply(changed))).toEqual({ unchanged: MANY })
    const one = changed.slice(0, 1)
    const pruned = await apply(one, '--env', env, '--prune', '--prune-max', '1000', '--yes')
    expect(counts(pruned), pruned.stderr).toEqual({ unchanged: 1, deleted: MANY - 1 })
    expect(await namesLive()).toEqual(allNames(1))
    expect(statements(since, /dsctl begin delete/)).toBeLessThan(MANY / 4)
    const events = await eventsOf(site, `coalesce(after, before)->>'env' = $1 AND outcome = 'done'`, [env])
    const byAction = (action: string) => events.filter(event => event.action === action).length
    expect([byAction('create'), byAction('update'), byAction('delete')]).toEqual([MANY, MANY / 2, MANY - 1])
    await nothingLeft()
  })

  test('analyzes a new table after filling it, if the role owns it', async () => {
    const fresh = await createSite()
    const counted = async () => {
      const sql = `SELECT reltuples > 0 AS counted FROM pg_class WHERE oid = 'data_sources'::regclass`
      return (await fresh.database.query(sql))[0]?.counted
    }
    const apply = (url = fresh.env.DSCTL_DATABASE_URL) =>
      fresh.dsctl(['apply', '-f', '-'], { stdin: JSON.stringify(many()), env: { DSCTL_DATABASE_URL: url } })
    try {
      expect(await apply()).toMatchObject({ code: 0, stderr: `${MANY} created.\n` })
      expect(await counted()).toBe(false)
      env = `env${++counter}`
      expect(await apply(fresh.database.url)).toMatchObject({ code: 0, stderr: `${MANY} created.\n` })
      expect(await counted()).toBe(true)
    } finally {
      await fresh.drop()
    }
  })

  test('a name taken before the commit fails that item alone', async () => {
    const taken = nameOf(100)
    let took = false
    const take = async () => {
      if (took) return
      took = true
      await site.addDataSource({ name: taken, env, type: 'mysql' })
    }
    proxied.postgres.at(/dsctl commit create/, call('before', take))
    const result = await apply(many())
    expect(result.code).toBe(8)
    expect(counts(result)).toEqual({ created: MANY - 1, failed: 1 })
    expect(itemsOf(result).find(({ action }) => action === 'failed')).toMatchObject({
      name: taken,
      error: { code: 'invalid' }, // it exists now, with another type
    })
    expect(await namesLive()).toEqual(allNames())
    await nothingLeft()
  })

  test('keeps omitted fields of a source that another process created meanwhile', async () => {
    const [theirs, ours] = [many({ host: 'theirs', port: 7000 }, 1), many({ host: 'ours' }, 1)]
    const make = () => site.dsctl(['create', '-f', '-'], { stdin: JSON.stringify(theirs[0]) })
    let made: ReturnType<typeof make> | undefined
    proxied.postgres.at(
      /dsctl begin create/,
      call('before', () => (made ??= make())),
    )
    expect(itemsOf(await apply(ours))).toMatchObject([{ action: 'updated' }])
    expect(await made).toMatchObject({ code: 0 })
    const [row] = await site.database.query('SELECT secret_id FROM data_sources WHERE env = $1', [env])
    const secret = await site.vault.readSecret(`data-sources/${row?.secret_id}`)
    expect(secret?.data).toMatchObject({ host: 'ours', port: 7000 })
  })

  test('a database constraint that one item violates fails it alone', async () => {
    const evil = nameOf(77)
    await site.database.query(
      `ALTER TABLE data_sources ADD CONSTRAINT no_evil CHECK (name <> '${evil}' OR env <> '${env}')`,
    )
    const result = await apply(many())
    await site.database.query('ALTER TABLE data_sources DROP CONSTRAINT no_evil')
    expect(result.code).toBe(8)
    expect(counts(result)).toEqual({ created: MANY - 1, failed: 1 })
    expect(itemsOf(result).find(({ action }) => action === 'failed')).toMatchObject({
      name: evil,
      error: { code: 'invalid' },
    })
    expect(counts(await again(many()))).toEqual({ unchanged: MANY - 1, created: 1 })
    await nothingLeft()
  })

  test('429 is retried, and a permanent error fails that item alone', async () => {
    let writes = 0
    proxied.vault.at(/^POST .*\/data\//, {
      before: () => {
        writes++
        if (writes === 50) return { status: 403, body: { errors: ['permission denied'] } }
        return writes % 9 === 0 ? { status: 429, body: { errors: ['slow down'] } } : undefined
      },
    })
    const result = await apply(many())
    expect(result.code).toBe(8)
    expect(counts(result)).toEqual({ created: MANY - 1, failed: 1 })
    expect(itemsOf(result).find(({ action }) => action === 'failed')?.error).toMatchObject({ code: 'forbidden' })
    expect(await namesLive()).toHaveLength(MANY - 1)
    await nothingLeft()
  })

  test('a slow Vault gets no more requests than fit in the time-out', async () => {
    proxied.vault.at(/^POST .*\/data\//, delay(600))
    expect(counts(await apply(many({}, 120), '--timeout', '2'))).toEqual({ created: 120 })
  })

  test.each([
    ['a write', /^POST .*\/data\//, 120],
    ['a first step', /dsctl begin create/, 3],
    ['a last step', /dsctl commit create/, 3],
  ])('killed at %s and run again, does everything once', async (_, which, nth) => {
    const running = proxied.spawn(['apply', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(many()) })
    let seen = 0
    const kill = {
      after: () => {
        if (++seen < nth) return undefined
        running.child.kill('SIGKILL')
        return 'cut' as const
      },
    }
    if (nth > 100) proxied.vault.at(which, kill)
    else proxied.postgres.at(which, kill)
    await running.result
    await again(many())
    expect(await namesLive()).toEqual(allNames())
    await nothingLeft()
  })

  test('a statement whose response is lost is retried, and done once', async () => {
    for (const step of [/dsctl begin create/, /dsctl commit create/]) {
      let lost = 0
      proxied.postgres.at(step, { after: () => (++lost === 2 ? 'cut' : undefined) })
    }
    const result = await apply(many())
    expect(result.code, result.stderr).toBe(0)
    expect(counts(result)).toEqual({ created: MANY })
    expect(await namesLive()).toEqual(allNames())
    expect(await eventsOf(site, `after->>'env' = $1`, [env])).toHaveLength(MANY)
    await nothingLeft()
  })

  test('two concurrent applies create and update each source once', async () => {
    const both = await Promise.all([apply(many()), apply(many())])
    expect(both.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ])
    expect(await namesLive()).toEqual(allNames())
    expect(both.map(counts).reduce((sum, { created = 0 }) => sum + created, 0)).toBe(MANY)
    const changing = await Promise.all([apply(many({ port: 6001 })), apply(many({ port: 6001 }))])
    expect(changing.map(({ code }) => code)).toEqual([0, 0])
    expect(counts(await apply(many({ port: 6001 })))).toEqual({ unchanged: MANY })
    await nothingLeft()
  })
})
