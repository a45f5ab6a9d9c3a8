import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../../src/ports/caller.ts'
import { NO_FILTER, type Records } from '../../src/ports/records.ts'
import { openDatabase } from '../../src/postgres/connection/database.ts'
import { postgresPool } from '../../src/postgres/connection/pool.ts'
import { readConnectionSettings } from '../../src/postgres/connection/settings.ts'
import { postgresHealth } from '../../src/postgres/health.ts'
import { postgresRecords } from '../../src/postgres/records/postgres-records.ts'
import { call } from '../support/faults.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { json } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { ADMIN, createSite, type Site } from '../support/site.ts'
import { costlySteps, recordStatements } from './plans.ts'

// The number of rows that a statement reads does not depend on the size of the tables. DSCTL_TEST_ROWS is the number of
// data sources in the database.

const ROWS = Number(process.env.DSCTL_TEST_ROWS ?? 100_000)
/** How many of them belong to the tested organization: enough that Postgres prefers an index to reading all. */
const MINE = Math.max(60_000, ROWS / 10)
const FILL = readFileSync(new URL('../support/many-rows.sql', import.meta.url), 'utf8')
/** The rows of a look-up by name: one record in each env. */
const ONE = 5
/** The longest page has 1000 rows. Postgres may also sort the rows of the last pages, if that is as cheap. */
const A_PAGE = 15_000

let site: Site
let proxied: ProxiedSite
let everything: string[]

beforeAll(async () => {
  if (!REAL_POSTGRES) return
  site = await createSite()
  await site.database.query(`SET fill.rows = ${ROWS}; SET fill.mine = ${MINE}; ${FILL}`)
  everything = await listedIds()
  proxied = await proxySite(site)
}, 300_000)
afterEach(() => proxied?.restore())
afterAll(async () => {
  proxied?.close()
  await site?.drop()
})

async function listedIds(): Promise<string[]> {
  const sql = `SELECT id FROM data_sources WHERE organization_id = $1 AND deleted_at IS NULL ORDER BY updated_at DESC, id`
  return (await site.database.query(sql, [site.organization.id])).map(({ id }) => id)
}

const inAcme = (args: readonly string[]) => [...args, '--org', 'Acme']
const listStatements = () => proxied.postgres.statements.filter(({ sql }) => sql.includes('/* dsctl list */')).length

describe.skipIf(!REAL_POSTGRES)('In a large database', () => {
  describe('a statement reads and sorts no more than it returns:', () => {
    let recorded: ReturnType<typeof recordStatements>
    let records: Records
    let end: () => Promise<void>
    const caller = (): Caller => ({
      ...{ email: ADMIN, identitySource: 'a test', organization: 'Acme' },
      roles: ['workspace_admin', 'data_admin'],
    })
    const ref = (text: string, env?: string) => ({ text, env })
    const all = NO_FILTER
    const named = { name: undefined, env: undefined, lease: 1000, fields: ['port'] }

    beforeAll(() => {
      const url = String(site.env.DSCTL_DATABASE_URL)
      recorded = recordStatements(postgresPool(readConnectionSettings(url, {}), { timeoutMs: 60_000, trace: () => {} }))
      records = postgresRecords(openDatabase(recorded.pool), 'dsctl')
      end = () => Promise.resolve(recorded.pool.end())
    })
    afterAll(() => end?.())

    /** The plan nodes, in the statements that this sends, that read more than `most` rows. */
    async function costs(send: () => Promise<unknown>, most: number): Promise<string[]> {
      recorded.statements.length = 0
      await send()
      expect(recorded.statements.length).toBeGreaterThan(0)
      const found: string[] = []
      for (const statement of recorded.statements) {
        found.push(...(await costlySteps(String(site.env.DSCTL_DATABASE_URL), statement, most)))
      }
      return found
    }

    test.each<[string, number, () => Promise<unknown>]>([
      ['the first page', 200, () => records.list(caller(), { ...all, page: 0, pageSize: 25 })],
      ['the longest page', A_PAGE, () => records.list(caller(), { ...all, page: 0, pageSize: 1000 })],
      ['a page of a type', 200, () => records.list(caller(), { ...all, types: ['mysql'], page: 0, pageSize: 25 })],
      ['a page of an env', 200, () => records.list(caller(), { ...all, envs: ['dev'], page: 0, pageSize: 25 })],
      ['a record by name', ONE, () => records.find(caller(), ref('Source 77'), { audit: 'get' })],
      ['a record by name and env', ONE, () => records.find(caller(), ref('Source 77', 'production'), { audit: 'get' })],
      ['a record by id', ONE, () => records.find(caller(), ref(String(everything[500])), { audit: 'get' })],
      ['an unknown name', ONE, () => records.find(caller(), ref('Unknown'), { audit: 'get' })],
      ['a free name', ONE, () => records.findName(caller(), { name: 'Unknown', env: 'dev' })],
      [
        '200 names of a batch',
        450,
        () =>
          records.findNamed(
            caller(),
            Array.from({ length: 200 }, (_, n) => ({ name: `Source ${n}`, env: 'dev' })),
          ),
      ],
      [
        'the begin of an update',
        ONE,
        () => records.beginUpdate(caller(), { ...named, intentId: randomUUID(), ref: ref('Source 78') }),
      ],
      [
        'a rename',
        ONE,
        () => {
          const rename = { eventId: randomUUID(), ref: ref('Source 79'), name: 'Renamed', env: undefined }
          return records.updatePlain(caller(), rename)
        },
      ],
      [
        'a delete',
        ONE,
        () => records.beginDelete(caller(), { intentId: randomUUID(), ref: ref('Source 80'), lease: 1000 }),
      ],
    ])('%s', async (_, most, send) => {
      expect(await costs(send, most)).toEqual([])
    })

    // Joining 200 rows with 200 may visit their product, 40,000. The organization has more records than that, and so do
    // the names in other envs.
    test('each step of 200 changes at once', async () => {
      await site.database.query(
        `INSERT INTO data_sources (id, secret_id, name, type, env, organization_id)
        SELECT gen_random_uuid(), gen_random_uuid(), 'New ' || n, 'mysql', 'env' || e, $1
        FROM generate_series(0, 199) n, generate_series(1, 20) e`,
        [site.organization.id],
      )
      const pool = postgresPool(readConnectionSettings(String(site.env.DSCTL_DATABASE_URL), {}), {
        ...{ timeoutMs: 60_000, trace: () => {} },
      })
      const unrecorded = postgresRecords(openDatabase(pool), 'dsctl')
      const creates = Array.from({ length: 200 }, (_, at) => ({
        ...{
          intentId: randomUUID(),
          id: randomUUID(),
          name: `New ${at}`,
          env: 'dev',
          type: 'postgres',
          fields: ['host'],
        },
        ...{ lease: 1000, failsIfTaken: true },
      }))
      const some = everything.slice(1000, 1200)
      const updates = some.map((id, at) => ({ ...named, intentId: randomUUID(), ref: ref(id), name: `Newer ${at}` }))
      const removes = some.map(id => ({ intentId: randomUUID(), ref: ref(id), lease: 1000 }))
      const ends = updates.map(({ intentId }) => ({ intentId, fields: ['port'], version: 1 }))
      const closing = { state: 'open', outcome: 'none', audit: true, settledBy: undefined } as const
      expect(await costs(() => records.beginCreates(caller(), creates), 50_000)).toEqual([])
      expect(await costs(() => records.beginUpdates(caller(), updates), 50_000)).toEqual([])
      expect(await costs(() => records.beginDeletes(caller(), removes), 50_000)).toEqual([])
      await unrecorded.beginCreates(caller(), creates)
      await unrecorded.beginUpdates(caller(), updates)
      expect(await costs(() => records.commitCreates(creates), 50_000)).toEqual([])
      expect(await costs(() => records.recordBaseVersions(ends), 50_000)).toEqual([])
      expect(await costs(() => records.commitUpdates(ends), 50_000)).toEqual([])
      const closings = [...creates, ...updates].slice(0, 200).map(({ intentId }) => ({ ...closing, id: intentId }))
      expect(await costs(() => records.closeAll(closings), 50_000)).toEqual([])
      await unrecorded.closeAll(closings)
      await unrecorded.closeAll(updates.map(({ intentId }) => ({ ...closing, id: intentId })))
      await site.database.query(`DELETE FROM data_sources WHERE name LIKE 'New %'`)
      await pool.end()
    })

    test('each page of the complete list', async () => {
      let pages = 0
      const send = () => records.listAll(caller(), all, async () => ++pages < 20)
      expect(await costs(send, A_PAGE)).toEqual([])
      expect(pages).toBe(20)
    })

    test('a search without a match reads only its own organization', async () => {
      const search = () => records.list(caller(), { ...all, search: 'nowhere', page: 0, pageSize: 25 })
      expect(await costs(search, everything.length + 100)).toEqual([])
    })

    test('a missing index makes pages slow, and doctor prints how to create it', async () => {
      const first = () => records.list(caller(), { ...all, page: 0, pageSize: 25 })
      await site.database.query('DROP INDEX data_sources_list')
      expect(await costs(first, 200)).not.toEqual([])
      const [found, ...others] = await postgresHealth(openDatabase(recorded.pool), 'dsctl').indexes()
      expect(others).toEqual([])
      await site.database.query(String(found?.fix))
      expect(await costs(first, 200)).toEqual([])
    })
  })

  test('list --all prints each source once, in order, in each format', async () => {
    everything = await listedIds()
    const ids = (await site.dsctl(inAcme(['list', '--all', '-o', 'id']))).stdout.trimEnd().split('\n')
    expect(ids).toEqual(everything)
    const listed: { id: string }[] = json(await site.dsctl(inAcme(['list', '--all', '-o', 'json'])))
    expect(listed.map(({ id }) => id)).toEqual(everything)
    const table = (await site.dsctl(inAcme(['list', '--all', '--search', '77']))).stdout.trimEnd().split('\n')
    expect(table.filter(line => line.startsWith('NAME '))).toHaveLength(1)
    expect(table.length).toBeGreaterThan(1000)
  })

  test('list --all prints a snapshot despite concurrent changes', async () => {
    everything = await listedIds()
    const change = async () => {
      const last = everything.at(-1)
      await site.database.query('UPDATE data_sources SET updated_at = now() WHERE id = ANY($1)', [
        [last, everything[0]],
      ])
      await site.database.query('UPDATE data_sources SET deleted_at = now() WHERE id = $1', [everything.at(-2)])
      await site.addDataSource({ name: randomUUID() })
    }
    const third = { before: async () => (listStatements() === before + 3 ? change() : undefined) }
    const before = listStatements()
    proxied.postgres.at(/dsctl list/, { before: async () => void (await third.before()) })
    const result = await proxied.dsctl(inAcme(['list', '--all', '-o', 'id']))
    expect(result.stdout.trimEnd().split('\n')).toEqual(everything)
    expect(await listedIds()).not.toEqual(everything)
  })

  test('list --all reads only as fast as its output is read', async () => {
    const before = listStatements()
    const { child, result, stderr } = proxied.spawn(inAcme(['list', '--all', '-o', 'json']))
    child.stdout?.pause()
    await expect.poll(() => listStatements() - before, { timeout: 20_000 }).toBeGreaterThan(1)
    await new Promise(resolve => setTimeout(resolve, 1000))
    expect(listStatements() - before).toBeLessThan(5)
    child.stdout?.destroy()
    expect((await result).code).toBe(0)
    expect(stderr()).toBe('')
    expect(listStatements() - before).toBeLessThan(6)
  })

  test('an interruption ends list --all, and the output is not valid JSON', async () => {
    const before = listStatements()
    const signal = call('before', () => listStatements() === before + 4 && running.child.kill('SIGTERM'))
    proxied.postgres.at(/dsctl list/, signal)
    const running = proxied.spawn(inAcme(['list', '--all', '-o', 'json']))
    const { code, stdout } = await running.result
    expect(code).toBe(143)
    expect(stdout).toMatch(/^\[\n/)
    expect(() => JSON.parse(stdout)).toThrow()
  })

  test('a lost connection during list --all is reported', async () => {
    const before = listStatements()
    proxied.postgres.at(/dsctl list/, { before: () => (listStatements() === before + 4 ? 'cut' : undefined) })
    const { code, stdout, stderr } = await proxied.dsctl(inAcme(['list', '--all', '-o', 'json']))
    expect([code, stderr]).toEqual([7, expect.stringContaining('The connection to Postgres was lost')])
    expect(() => JSON.parse(stdout)).toThrow()
  })
})
