import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ListQuery } from '../../../src/ports/records.ts'
import { ALL } from './requests.ts'
import type { RecordsSuite } from './suite.ts'

/** `list` and `listAll`. */
export function listTests(suite: RecordsSuite): void {
  describe('list', () => {
    const listed = async (query: Partial<ListQuery> = {}) => {
      const page = await suite.records.list(suite.caller, { ...ALL, ...query })
      if (page.kind !== 'page') throw new Error('The list was denied.')
      return page
    }
    const names = async (query: Partial<ListQuery> = {}) => (await listed(query)).items.map(item => item.name)

    test('an organization without records has an empty page', async () => {
      expect(await listed()).toEqual({ kind: 'page', items: [], more: false })
    })

    test('the last updated record comes first, ties are sorted by id', async () => {
      const updatedAt = new Date('2025-01-01T00:00:00Z')
      const tied = new Map<string, string>()
      for (const name of ['one', 'two', 'three']) tied.set(await suite.add({ name, updatedAt }), name)
      await suite.add({ name: 'newest', updatedAt: new Date('2025-01-02T00:00:00Z') })
      await suite.add({ name: 'oldest', updatedAt: new Date('2024-01-01T00:00:00Z') })
      const byId = [...tied.keys()].sort().map(id => tied.get(id))
      expect(await names()).toEqual(['newest', ...byId, 'oldest'])
    })

    test('an item has exactly the columns of a list', async () => {
      const updatedAt = new Date('2025-01-01T00:00:00.5Z')
      const id = await suite.add({ name: 'item', env: 'prod', type: 'mysql', onboardingStatus: 'failed', updatedAt })
      const item = { id, name: 'item', type: 'mysql', env: 'prod', onboardingStatus: 'failed' }
      expect((await listed()).items).toEqual([{ ...item, updatedAt: '2025-01-01T00:00:00.500Z' }])
    })

    test('pages do not overlap, and the last has no more after it', async () => {
      for (let n = 0; n < 5; n++) await suite.add({ name: `n${n}`, updatedAt: new Date(2025, 0, n + 1) })
      const pages = [0, 1, 2, 3].map(page => listed({ page, pageSize: 2 }))
      const recorded = (await Promise.all(pages)).map(({ items, more }) => [items.map(item => item.name).join(), more])
      expect(recorded).toEqual([
        ['n4,n3', true],
        ['n2,n1', true],
        ['n0', false],
        ['', false],
      ])
      expect((await listed({ pageSize: 5 })).more).toBe(false)
    })

    test('type, env, status and part of the name filter together', async () => {
      await suite.add({ name: 'Alpha', type: 'mysql', env: 'prod', onboardingStatus: 'completed' })
      await suite.add({ name: 'alphabet', type: 'mysql', env: 'dev' })
      await suite.add({ name: 'beta_%', type: 'postgres', env: 'prod' })
      const sorted = async (query: Partial<ListQuery>) => (await names(query)).sort()
      expect(await sorted({ types: ['mysql'] })).toEqual(['Alpha', 'alphabet'])
      expect(await sorted({ envs: ['prod'] })).toEqual(['Alpha', 'beta_%'])
      expect(await sorted({ statuses: ['completed'] })).toEqual(['Alpha'])
      expect(await sorted({ search: 'ALPHA' })).toEqual(['Alpha', 'alphabet'])
      expect(await sorted({ search: '_%' })).toEqual(['beta_%'])
      expect(await sorted({ search: 'alpha', envs: ['dev'] })).toEqual(['alphabet'])
      expect(await sorted({ types: ['snowflake'] })).toEqual([])
      expect(await sorted({ types: ['snowflake', 'postgres', 'mysql'], envs: ['prod', 'none'] })).toEqual([
        'Alpha',
        'beta_%',
      ])
      expect(await sorted({ statuses: ['completed', 'failed'], envs: ['dev', 'prod'] })).toEqual(['Alpha'])
    })

    test('listAll passes filtered pages in order, with secret ids', async () => {
      const updatedAt = new Date('2025-01-01T00:00:00Z')
      const [secretId, type] = [randomUUID(), 'mysql']
      const names = Array.from({ length: 703 }, (_, n) => `n${n}`)
      await Promise.all(names.map(name => suite.add({ name, type, ...(Number(name.slice(1)) % 3 && { updatedAt }) })))
      const id = await suite.add({ name: 'last', type, secretId, updatedAt: new Date('2024-01-01T00:00:00Z') })
      await suite.add({ name: 'other', type: 'postgres' })
      const query = { ...ALL, types: [type], pageSize: 1300 }
      const pages: (readonly { readonly name: string }[])[] = []
      const all = (take: (page: (typeof pages)[number]) => boolean) =>
        suite.records.listAll(suite.caller, query, async page => take(page))
      expect(await all(page => pages.push(page) > 0)).toEqual({ kind: 'listed' })
      expect(pages.length).toBeGreaterThan(1)
      const { items } = await listed(query)
      expect(pages.flat()).toMatchObject(items)
      expect(pages.flat().at(-1)).toMatchObject({ id, secretId, organizationId: suite.organizationId })
      let taken = 0
      await all(() => ++taken > 1)
      expect(taken).toBe(1)
    })

    test('listAll passes no page if it is empty or denied', async () => {
      const take = () => Promise.reject(new Error('A page was taken.'))
      expect(await suite.records.listAll(suite.caller, ALL, take)).toEqual({ kind: 'listed' })
      await suite.add({ name: 'one' })
      expect(await suite.records.listAll({ ...suite.caller, roles: [] }, ALL, take)).toMatchObject({ kind: 'denied' })
      await expect(suite.records.listAll(suite.caller, ALL, take)).rejects.toThrow('A page was taken.')
      expect((await listed()).items).toHaveLength(1)
    })

    test('listEnvs returns each env of the live records once, sorted', async () => {
      expect(await suite.records.listEnvs(suite.caller)).toEqual({ kind: 'envs', envs: [] })
      for (const [name, env] of ['prod', 'dev', 'Dev', 'prod'].entries()) await suite.add({ name: `${name}`, env })
      await suite.fixture.changeRecord(await suite.add({ name: 'gone', env: 'old' }), { deleted: true })
      const other = await suite.fixture.addOrganization(`Other ${suite.organization}`)
      await suite.fixture.addRecord({ organizationId: other, name: 'theirs', env: 'theirs' })
      expect(await suite.records.listEnvs(suite.caller)).toEqual({ kind: 'envs', envs: ['Dev', 'dev', 'prod'] })
      expect(await suite.records.listEnvs({ ...suite.caller, roles: [] })).toMatchObject({ kind: 'denied' })
    })

    test('deleted and other organizations’ records are not listed', async () => {
      await suite.fixture.changeRecord(await suite.add({ name: 'gone' }), { deleted: true })
      const other = await suite.fixture.addOrganization(`Other ${suite.organization}`)
      await suite.fixture.addRecord({ organizationId: other, name: 'theirs' })
      expect(await names()).toEqual([])
    })
  })
}
