import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DataSource, OnboardingStatus } from '../../src/domain/data-source.ts'
import type { Caller, Role } from '../../src/ports/caller.ts'
import type { ClosingIntent, Intent } from '../../src/ports/intent.ts'
import type { CommitResult, NewCreate, NewUpdate } from '../../src/ports/record-steps.ts'
import type { ListQuery, Records } from '../../src/ports/records.ts'
import { recordBatchesContract } from './record-batches.ts'

/** An implementation of Records, and what the suite needs around it: what others do, and a look inside. */
export interface RecordsFixture {
  readonly records: Records
  addOrganization(name: string): Promise<string>
  deleteOrganization(id: string): Promise<void>
  addUser(email: string): Promise<string>
  addMember(member: { userId: string; organizationId: string; role: Role } & MemberState): Promise<void>
  /** A live record, as an application would have made it. */
  addRecord(record: AddedRecord): Promise<string>
  addDataSet(dataSet: { dataSourceId: string; organizationId: string; name: string; deleted: boolean }): Promise<void>
  /** What the application does to a record, whatever dsctl is doing. */
  changeRecord(id: string, change: { name?: string; deleted?: true }): Promise<void>
  /** The record's columns, deleted or not. */
  readRecord(id: string): Promise<{ name: string; env: string; deleted: boolean } | undefined>
  /** What the audit trail tells of a person, in order. */
  events(actorEmail: string): Promise<RecordedEvent[]>
  drop(): Promise<void>
}

interface MemberState {
  readonly status?: 'active' | 'inactive' | 'pending' | 'guest'
  readonly deleted?: boolean
}

export interface AddedRecord {
  readonly organizationId: string
  readonly name: string
  readonly env?: string
  readonly type?: string
  readonly secretId?: string
  readonly createdBy?: string
  readonly updatedAt?: Date
  readonly onboardingStatus?: OnboardingStatus
}

/** An audit event without its id, time and client. */
export interface RecordedEvent {
  readonly organizationId: string | null
  readonly actorId: string | null
  readonly actorSource: string
  readonly action: string
  readonly dataSourceId: string | null
  readonly dataSourceName: string | null
  readonly outcome: string
  readonly fields: readonly string[]
  readonly before: unknown
  readonly after: unknown
  readonly settledBy: string | null
}

const LEASE = 1000
const DEV = { ref: { text: '', env: undefined }, name: undefined, env: undefined }
const ALL: ListQuery = { page: 0, pageSize: 25, type: undefined, env: undefined, status: undefined, search: undefined }
const READERS: readonly Role[] = ['workspace_admin', 'data_admin', 'querier', 'restricted_querier', 'viewer']

/** The text of the port `Records` as tests: every implementation passes them. */
export function recordsContract(name: string, open: () => Promise<RecordsFixture>): void {
  describe(`the records in ${name}`, () => {
    let bed: RecordsFixture
    let records: Records
    let organizationId: string
    let organization: string
    let userId: string
    let caller: Caller
    let unique = 0

    beforeAll(async () => {
      bed = await open()
      records = bed.records
    })
    afterAll(() => bed?.drop())
    beforeEach(async () => {
      const email = `Person${++unique}@example.com`
      organization = `Organization ${unique}`
      organizationId = await bed.addOrganization(organization)
      userId = await bed.addUser(email)
      await bed.addMember({ userId, organizationId, role: 'data_admin' })
      caller = { email, identitySource: 'a test', organization: undefined, roles: ['workspace_admin', 'data_admin'] }
    })

    const add = (record: Omit<AddedRecord, 'organizationId'>) => bed.addRecord({ organizationId, ...record })
    const ref = (text: string, env?: string) => ({ text, env })
    const events = () => bed.events(caller.email)
    const newCreate = (create: Partial<NewCreate> = {}): NewCreate => ({
      ...{ intentId: randomUUID(), id: randomUUID(), name: 'new', env: 'dev', type: 'postgres', fields: ['host'] },
      ...{ lease: LEASE, failsIfTaken: true },
      ...create,
    })
    const newUpdate = (text: string, update: Partial<NewUpdate> = {}): NewUpdate => ({
      ...{ ...DEV, ref: ref(text), intentId: randomUUID(), fields: ['port'], lease: LEASE },
      ...update,
    })
    const newDelete = (text: string, remove: { intentId?: string; env?: string } = {}) => ({
      ...{ intentId: remove.intentId ?? randomUUID(), ref: ref(text, remove.env), lease: LEASE },
    })
    const plain = (text: string, names: { name?: string; env?: string; eventId?: string }) => ({
      ...{ eventId: names.eventId ?? randomUUID(), ref: ref(text), name: names.name, env: names.env },
    })
    const begunCreate = async (create: Partial<NewCreate> = {}) => {
      const wanted = newCreate(create)
      expect(await records.beginCreate(caller, wanted)).toEqual({ kind: 'begun', organizationId })
      return wanted
    }
    const begunUpdate = async (text: string, update: Partial<NewUpdate> = {}) => {
      const wanted = newUpdate(text, update)
      expect(await records.beginUpdate(caller, wanted)).toMatchObject({ kind: 'begun' })
      return wanted.intentId
    }
    const closing = (id: string, how: Partial<ClosingIntent> = {}): ClosingIntent => ({
      ...{ id, state: 'open', outcome: 'none', audit: true, settledBy: undefined },
      ...how,
    })
    const done = (finished: CommitResult): DataSource => {
      if (finished.kind !== 'done') throw new Error(`The last step was answered ${finished.kind}.`)
      return finished.record
    }
    const stateOf = async (id: string): Promise<Partial<Intent> | undefined> => {
      const intent = await records.findIntent(id)
      return intent && { state: intent.state, outcome: intent.outcome }
    }

    describe('who is asking', () => {
      const asked = (as: Partial<Caller>) => records.list({ ...caller, roles: READERS, ...as }, ALL)
      const denial = async (as: Partial<Caller>) => {
        const answer = await asked(as)
        return answer.kind === 'denied' ? { reason: answer.reason, organizations: answer.organizations } : answer.kind
      }

      test('an address that no user has is denied', async () => {
        expect(await denial({ email: 'nobody@example.com' })).toEqual({ reason: 'unknown user', organizations: [] })
      })

      test('an address that differs in ASCII case alone is the user', async () => {
        expect(await denial({ email: caller.email.toUpperCase() })).toBe('page')
      })

      test('an address that two users have but for its case is ambiguous, unless one has it exactly', async () => {
        await bed.addUser(caller.email.toLowerCase())
        expect(await denial({ email: caller.email.toUpperCase() })).toEqual({
          reason: 'ambiguous user',
          organizations: [],
        })
        expect(await denial({})).toBe('page')
      })

      test('an address with other letters than ASCII matches exactly or not at all', async () => {
        const email = `Élan${unique}@example.com`
        await bed.addMember({ userId: await bed.addUser(email), organizationId, role: 'viewer' })
        expect(await denial({ email })).toBe('page')
        expect(await denial({ email: email.toLowerCase() })).toMatchObject({ reason: 'unknown user' })
        expect(await denial({ email: `Person${unique}@example.com`.replace('s', 'ſ') })).toMatchObject({
          reason: 'unknown user',
        })
      })

      test('a user without an active membership of a live organization is denied', async () => {
        const email = `idle${unique}@example.com`
        const idle = await bed.addUser(email)
        const join = async (member: MemberState) => {
          const id = await bed.addOrganization(`Idle ${randomUUID()}`)
          await bed.addMember({ userId: idle, organizationId: id, role: 'workspace_admin', ...member })
          return id
        }
        expect(await denial({ email })).toEqual({ reason: 'no membership', organizations: [] })
        for (const status of ['inactive', 'pending', 'guest'] as const) await join({ status })
        await join({ deleted: true })
        await bed.deleteOrganization(await join({}))
        expect(await denial({ email })).toEqual({ reason: 'no membership', organizations: [] })
      })

      test('a user of several organizations has to name one, by name or UUID', async () => {
        const other = await bed.addOrganization(`A ${organization}`)
        await bed.addMember({ userId, organizationId: other, role: 'viewer' })
        const organizations = [`A ${organization}`, organization]
        expect(await denial({})).toEqual({ reason: 'several organizations', organizations })
        for (const named of [organization, organizationId, organizationId.toUpperCase()])
          expect(await denial({ organization: named })).toBe('page')
      })

      test('an organization one is no member of is not there, whether it exists or not', async () => {
        const other = await bed.addOrganization(`Other ${organization}`)
        const organizations = [organization]
        for (const named of [`Other ${organization}`, other, 'None', randomUUID()])
          expect(await denial({ organization: named })).toEqual({ reason: 'no such organization', organizations })
      })

      test('a role that may not do it is denied, and named', async () => {
        const answer = await asked({ roles: ['workspace_admin'] })
        expect(answer).toEqual({
          ...{ kind: 'denied', email: caller.email, reason: 'role' },
          ...{ organizations: [organization], role: 'data_admin' },
        })
      })

      test('every statement checks it, and what is denied changes nothing and is told', async () => {
        const id = await add({ name: 'kept' })
        const viewer = { ...caller, roles: ['workspace_admin'] as const }
        const [create, update, remove] = [newCreate(), newUpdate(id), newDelete(id)]
        const answers = [
          await records.list(viewer, ALL),
          await records.find(viewer, ref(id), { audit: 'get' }),
          await records.findName(viewer, { name: 'kept', env: 'dev' }),
          await records.findNamed(viewer, [{ name: 'kept', env: 'dev' }]),
          await records.beginCreate(viewer, create),
          await records.updatePlain(viewer, plain(id, { name: 'renamed' })),
          await records.beginUpdate(viewer, update),
          await records.beginDelete(viewer, remove),
        ]
        for (const answer of answers) expect(answer).toMatchObject({ kind: 'denied', reason: 'role' })
        expect(await bed.readRecord(id)).toEqual({ name: 'kept', env: 'dev', deleted: false })
        for (const { intentId } of [create, update, remove]) expect(await records.findIntent(intentId)).toBe(undefined)
        const told = (await events()).map(({ action, outcome, dataSourceName }) => [action, outcome, dataSourceName])
        expect(told).toEqual([
          ['get', 'denied', id],
          ['create', 'denied', 'new'],
          ['update', 'denied', id],
          ['update', 'denied', id],
          ['delete', 'denied', id],
        ])
      })

      test('a denial that is tried again is told once, with who asked and for which organization', async () => {
        const create = newCreate()
        const viewer = { ...caller, roles: [] }
        for (let i = 0; i < 2; i++) await records.beginCreate(viewer, create)
        expect(await events()).toEqual([
          {
            ...{ organizationId, actorId: userId, actorSource: 'a test', action: 'create', dataSourceId: null },
            ...{ dataSourceName: 'new', outcome: 'denied', fields: ['host'], before: null, after: null },
            settledBy: null,
          },
        ])
      })

      test('the denial of a stranger is told without an organization', async () => {
        const email = `stranger${unique}@example.com`
        await records.beginCreate({ ...caller, email }, newCreate())
        expect(await bed.events(email)).toMatchObject([{ organizationId: null, actorId: null, outcome: 'denied' }])
      })
    })

    describe('find', () => {
      const found = async (text: string, env?: string) => records.find(caller, ref(text, env))

      test('a UUID means the record that has it, also where another is named so', async () => {
        const id = await add({ name: 'itself', env: 'dev' })
        await add({ name: id, env: 'prod' })
        const namedSo = await add({ name: id.toUpperCase(), env: 'dev' })
        for (const text of [id, id.toUpperCase()]) {
          expect(await found(text)).toMatchObject({ kind: 'found', record: { id, name: 'itself' } })
        }
        const change = { eventId: randomUUID(), ref: ref(id), name: undefined, env: 'stage' }
        expect(await records.updatePlain(caller, change)).toMatchObject({ kind: 'done', record: { id } })
        expect(await found(namedSo)).toMatchObject({ kind: 'found', record: { name: id.toUpperCase() } })
        await records.beginDelete(caller, { intentId: randomUUID(), ref: ref(id), lease: 1000 })
        expect(await found(id)).toMatchObject({ kind: 'found', record: { name: id, env: 'prod' } })
      })

      test('a record is found by UUID in any case and by name, with all that answers show', async () => {
        const updatedAt = new Date('2025-03-24T00:00:00.123Z')
        const secretId = randomUUID()
        const id = await add({ name: 'found', env: 'prod', type: 'mysql', secretId, createdBy: userId, updatedAt })
        for (const name of ['b', 'a']) await bed.addDataSet({ dataSourceId: id, organizationId, name, deleted: false })
        await bed.addDataSet({ dataSourceId: id, organizationId, name: 'deleted', deleted: true })
        for (const text of [id, id.toUpperCase(), 'found']) {
          const answer = await found(text)
          expect(answer).toMatchObject({ kind: 'found' })
          expect(answer.kind === 'found' && answer.record).toEqual({
            ...{ id, secretId, organizationId, name: 'found', type: 'mysql', env: 'prod', onboardingError: null },
            ...{ onboardingStatus: 'notStarted', createdAt: expect.any(String), updatedAt: '2025-03-24T00:00:00.123Z' },
            createdBy: { id: userId, email: caller.email, name: null },
            dataSets: [
              { id: expect.any(String), name: 'a' },
              { id: expect.any(String), name: 'b' },
            ],
          })
        }
      })

      test('what is deleted, another organization’s or was never there is not found', async () => {
        const deleted = await add({ name: 'gone' })
        await bed.changeRecord(deleted, { deleted: true })
        const other = await bed.addOrganization(`Other ${organization}`)
        const theirs = await bed.addRecord({ organizationId: other, name: 'theirs' })
        for (const text of [deleted, 'gone', theirs, 'theirs', randomUUID(), 'none'])
          expect(await found(text)).toEqual({ kind: 'not found' })
      })

      test('a name that stands in several envs is ambiguous, with the candidates, unless the env is given', async () => {
        const prod = await add({ name: 'twice', env: 'prod' })
        const dev = await add({ name: 'twice', env: 'dev' })
        const candidates = [
          { id: dev, name: 'twice', env: 'dev' },
          { id: prod, name: 'twice', env: 'prod' },
        ]
        expect(await found('twice')).toEqual({ kind: 'ambiguous', candidates })
        expect(await found('twice', 'prod')).toMatchObject({ kind: 'found', record: { id: prod } })
        expect(await found('twice', 'test')).toEqual({ kind: 'not found' })
        expect(await found(dev, 'prod')).toEqual({ kind: 'not found' })
      })

      test('a name is matched exactly', async () => {
        await add({ name: 'Case' })
        for (const text of ['case', 'Cas', 'Case ', '%', '_ase'])
          expect(await found(text)).toEqual({ kind: 'not found' })
      })

      test('a read is told where that is asked for, and one that finds nothing as failed', async () => {
        const id = await add({ name: 'read' })
        await records.find(caller, ref('read'), { audit: 'get' })
        await records.find(caller, ref('none'), { audit: 'get' })
        await records.find(caller, ref('read'))
        const who = { organizationId, actorId: userId, action: 'get' }
        expect(await events()).toMatchObject([
          { ...who, outcome: 'done', dataSourceId: id, dataSourceName: 'read' },
          { ...who, outcome: 'failed', dataSourceId: null, dataSourceName: 'none' },
        ])
      })
    })

    test('a name is free unless a live record of the organization has it in that env', async () => {
      const id = await add({ name: 'taken', env: 'prod' })
      const free = (name: string, env: string) => records.findName(caller, { name, env })
      expect(await free('taken', 'prod')).toEqual({ kind: 'taken', id, name: 'taken', env: 'prod' })
      expect(await free('taken', 'dev')).toEqual({ kind: 'free' })
      await bed.changeRecord(id, { deleted: true })
      const other = await bed.addOrganization(`Other ${organization}`)
      await bed.addRecord({ organizationId: other, name: 'taken', env: 'prod' })
      expect(await free('taken', 'prod')).toEqual({ kind: 'free' })
    })

    test('looking for a name tells of a create that ends there, and of none that goes on or is only looked at', async () => {
      await add({ name: 'taken', env: 'dev' })
      const look = (failsIfTaken: boolean, name: string) =>
        records.findName(caller, { name, env: 'dev' }, { eventId: randomUUID(), action: 'create', failsIfTaken })
      await records.findName(caller, { name: 'taken', env: 'dev' })
      await look(false, 'taken')
      await look(true, 'free')
      expect(await events()).toEqual([])
      expect(await look(true, 'taken')).toMatchObject({ kind: 'taken' })
      const attempt = { eventId: randomUUID(), action: 'create', failsIfTaken: true } as const
      await records.findName({ ...caller, roles: [] }, { name: 'free', env: 'dev' }, attempt)
      const told = (await events()).map(({ action, outcome, dataSourceName }) => [action, outcome, dataSourceName])
      expect(told).toEqual([
        ['create', 'failed', 'taken'],
        ['create', 'denied', 'free'],
      ])
    })

    test('a look that is for something is told where it is denied, once, and not where it is not', async () => {
      const [names, none] = [[{ name: 'x', env: 'dev' }], { ...caller, roles: [] }]
      const apply = { eventId: randomUUID(), action: 'apply' } as const
      const test = { eventId: randomUUID(), action: 'test' } as const
      await records.findNamed(caller, names, apply)
      await records.list(caller, ALL, test)
      expect(await events()).toEqual([])
      for (const _ of [1, 2]) {
        expect(await records.findNamed(none, names, apply)).toMatchObject({ kind: 'denied' })
        expect(await records.list(none, ALL, test)).toMatchObject({ kind: 'denied' })
      }
      const told = (await events()).map(({ action, outcome, dataSourceName }) => [action, outcome, dataSourceName])
      expect(told).toEqual([
        ['apply', 'denied', null],
        ['test', 'denied', null],
      ])
    })

    test('a look that is the whole of it is told as done', async () => {
      const look = { eventId: randomUUID(), action: 'test', failsIfTaken: false, auditSuccess: true } as const
      expect(await records.findName(caller, { name: 'unsaved', env: 'dev' }, look)).toEqual({ kind: 'free' })
      expect(await events()).toEqual([expect.objectContaining({ action: 'test', outcome: 'done' })])
    })

    test.each(['update', 'delete'] as const)(
      'looking for what an %s is to change tells of one that ends there, and of none that goes on',
      async action => {
        const id = await add({ name: 'there' })
        await records.find(caller, ref(id), { audit: `refused ${action}` })
        expect(await events()).toEqual([])
        await records.find(caller, ref('nowhere'), { audit: `refused ${action}` })
        await records.find({ ...caller, roles: [] }, ref(id), { audit: `refused ${action}` })
        const told = (await events()).map(({ action, outcome, dataSourceName }) => [action, outcome, dataSourceName])
        expect(told).toEqual([
          [action, 'failed', 'nowhere'],
          [action, 'denied', id],
        ])
      },
    )

    describe('findNamed', () => {
      const named = async (...names: [string, string][]) => {
        const asked = names.map(([name, env]) => ({ name, env }))
        const answer = await records.findNamed(caller, asked)
        if (answer.kind !== 'found') throw new Error('It was denied.')
        return answer.records.map(({ id, name, env }) => ({ id, name, env })).sort((a, b) => (a.env < b.env ? -1 : 1))
      }

      test('each name is found in its own env alone, once, however often it is asked for', async () => {
        const dev = await add({ name: 'both', env: 'dev' })
        const prod = await add({ name: 'both', env: 'prod' })
        await add({ name: 'crossed', env: 'dev' })
        const asked: [string, string][] = [
          ['both', 'dev'],
          ['both', 'prod'],
          ['both', 'dev'],
          ['crossed', 'prod'],
        ]
        expect(await named(...asked)).toEqual([
          { id: dev, name: 'both', env: 'dev' },
          { id: prod, name: 'both', env: 'prod' },
        ])
        expect(await named()).toEqual([])
      })

      test('what is deleted or another organization’s is not among them', async () => {
        const deleted = await add({ name: 'gone' })
        await bed.changeRecord(deleted, { deleted: true })
        const other = await bed.addOrganization(`Other ${organization}`)
        await bed.addRecord({ organizationId: other, name: 'theirs' })
        expect(await named(['gone', 'dev'], ['theirs', 'dev'])).toEqual([])
      })

      test('one with an unclosed intent is told to be unsettled, until that is closed', async () => {
        const id = await add({ name: 'open' })
        await add({ name: 'quiet' })
        const intentId = await begunUpdate(id)
        const asked = [
          { name: 'open', env: 'dev' },
          { name: 'quiet', env: 'dev' },
        ]
        expect(await records.findNamed(caller, asked)).toMatchObject({ records: [{}, {}], unsettled: [id] })
        await records.close(closing(intentId))
        expect(await records.findNamed(caller, asked)).toMatchObject({ records: [{}, {}], unsettled: [] })
      })

      test('one with an intent that was closed since, but as done, is told to have been unsettled', async () => {
        const ids = [await add({ name: 'taken back' }), await add({ name: 'done' }), await add({ name: 'open' })]
        const [takenBack = '', changed = '', open = ''] = ids
        const asked = { name: 'taken back', env: 'dev' }
        const since = async () => {
          const found = await records.findNamed(caller, [asked])
          return found.kind === 'found' ? found.at : ''
        }
        const intents = [await begunUpdate(takenBack), await begunUpdate(changed), await begunUpdate(open)]
        const before = await since()
        await records.close(closing(intents[0] ?? ''))
        done(await records.commitUpdate(intents[1] ?? '', ['host']))
        expect([...(await records.unsettledSince(ids, before))].sort()).toEqual([takenBack, open].sort())
        expect(await records.unsettledSince(ids, await since())).toEqual([open])
        expect(await records.unsettledSince([changed], before)).toEqual([])
      })

      test('a record is found with where its credentials are', async () => {
        const secretId = randomUUID()
        const id = await add({ name: 'placed', secretId })
        const found = await records.find(caller, ref(id))
        const answer = await records.findNamed(caller, [{ name: 'placed', env: 'dev' }])
        const record = { id, secretId, organizationId, name: 'placed', type: 'postgres', env: 'dev' }
        expect(answer).toEqual({ kind: 'found', records: [record], unsettled: [], at: expect.any(String) })
        expect(found).toMatchObject({ kind: 'found', record })
      })
    })

    describe('list', () => {
      const listed = async (query: Partial<ListQuery> = {}) => {
        const page = await records.list(caller, { ...ALL, ...query })
        if (page.kind !== 'page') throw new Error('The list was denied.')
        return page
      }
      const names = async (query: Partial<ListQuery> = {}) => (await listed(query)).items.map(item => item.name)

      test('an organization without records has an empty page', async () => {
        expect(await listed()).toEqual({ kind: 'page', items: [], more: false })
      })

      test('the last changed comes first, ties by id', async () => {
        const updatedAt = new Date('2025-01-01T00:00:00Z')
        const tied = new Map<string, string>()
        for (const name of ['one', 'two', 'three']) tied.set(await add({ name, updatedAt }), name)
        await add({ name: 'newest', updatedAt: new Date('2025-01-02T00:00:00Z') })
        await add({ name: 'oldest', updatedAt: new Date('2024-01-01T00:00:00Z') })
        const byId = [...tied.keys()].sort().map(id => tied.get(id))
        expect(await names()).toEqual(['newest', ...byId, 'oldest'])
      })

      test('an item has exactly what a list shows', async () => {
        const updatedAt = new Date('2025-01-01T00:00:00.5Z')
        const id = await add({ name: 'item', env: 'prod', type: 'mysql', onboardingStatus: 'failed', updatedAt })
        const item = { id, name: 'item', type: 'mysql', env: 'prod', onboardingStatus: 'failed' }
        expect((await listed()).items).toEqual([{ ...item, updatedAt: '2025-01-01T00:00:00.500Z' }])
      })

      test('pages follow each other, and the last says that there are no more', async () => {
        for (let n = 0; n < 5; n++) await add({ name: `n${n}`, updatedAt: new Date(2025, 0, n + 1) })
        const pages = [0, 1, 2, 3].map(page => listed({ page, pageSize: 2 }))
        const told = (await Promise.all(pages)).map(({ items, more }) => [items.map(item => item.name).join(), more])
        expect(told).toEqual([
          ['n4,n3', true],
          ['n2,n1', true],
          ['n0', false],
          ['', false],
        ])
        expect((await listed({ pageSize: 5 })).more).toBe(false)
      })

      test('filters by type, env, status and part of the name hold together', async () => {
        await add({ name: 'Alpha', type: 'mysql', env: 'prod', onboardingStatus: 'completed' })
        await add({ name: 'alphabet', type: 'mysql', env: 'dev' })
        await add({ name: 'beta_%', type: 'postgres', env: 'prod' })
        const sorted = async (query: Partial<ListQuery>) => (await names(query)).sort()
        expect(await sorted({ type: 'mysql' })).toEqual(['Alpha', 'alphabet'])
        expect(await sorted({ env: 'prod' })).toEqual(['Alpha', 'beta_%'])
        expect(await sorted({ status: 'completed' })).toEqual(['Alpha'])
        expect(await sorted({ search: 'ALPHA' })).toEqual(['Alpha', 'alphabet'])
        expect(await sorted({ search: '_%' })).toEqual(['beta_%'])
        expect(await sorted({ search: 'alpha', env: 'dev' })).toEqual(['alphabet'])
        expect(await sorted({ type: 'snowflake' })).toEqual([])
      })

      test('all of it comes in pages, in the order of the list, filtered, and with where its credentials are', async () => {
        const updatedAt = new Date('2025-01-01T00:00:00Z')
        const [secretId, type] = [randomUUID(), 'mysql']
        const names = Array.from({ length: 703 }, (_, n) => `n${n}`)
        await Promise.all(names.map(name => add({ name, type, ...(Number(name.slice(1)) % 3 && { updatedAt }) })))
        const id = await add({ name: 'last', type, secretId, updatedAt: new Date('2024-01-01T00:00:00Z') })
        await add({ name: 'other', type: 'postgres' })
        const query = { ...ALL, type, pageSize: 1300 }
        const pages: (readonly { readonly name: string }[])[] = []
        const all = (take: (page: (typeof pages)[number]) => boolean) =>
          records.listAll(caller, query, async page => take(page))
        expect(await all(page => pages.push(page) > 0)).toEqual({ kind: 'listed' })
        expect(pages.length).toBeGreaterThan(1)
        const { items } = await listed(query)
        expect(pages.flat()).toMatchObject(items)
        expect(pages.flat().at(-1)).toMatchObject({ id, secretId, organizationId })
        let taken = 0
        await all(() => ++taken > 1)
        expect(taken).toBe(1)
      })

      test('nothing is taken of an empty one, nor by who may not', async () => {
        const take = () => Promise.reject(new Error('A page was taken.'))
        expect(await records.listAll(caller, ALL, take)).toEqual({ kind: 'listed' })
        await add({ name: 'one' })
        expect(await records.listAll({ ...caller, roles: [] }, ALL, take)).toMatchObject({ kind: 'denied' })
        await expect(records.listAll(caller, ALL, take)).rejects.toThrow('A page was taken.')
        expect((await listed()).items).toHaveLength(1)
      })

      test('what is deleted and what is another organization’s is not listed', async () => {
        await bed.changeRecord(await add({ name: 'gone' }), { deleted: true })
        const other = await bed.addOrganization(`Other ${organization}`)
        await bed.addRecord({ organizationId: other, name: 'theirs' })
        expect(await names()).toEqual([])
      })
    })

    describe('create', () => {
      test('begins with an intent that is open under its lease, and nothing else', async () => {
        const { intentId, id } = await begunCreate()
        expect(await records.findIntent(intentId)).toEqual({
          ...{ id: intentId, kind: 'create', state: 'open', outcome: null, dataSourceId: id, secretId: id },
          ...{ organizationId, baseVersion: null, expired: false },
        })
        expect(await bed.readRecord(id)).toBe(undefined)
        expect(await events()).toEqual([])
      })

      test('a second try of the same finds its own intent, whatever has become of it', async () => {
        const wanted = await begunCreate()
        expect(await records.beginCreate(caller, wanted)).toMatchObject({
          kind: 'already recorded',
          intent: { state: 'open' },
        })
        await records.moveToUndoing(wanted.intentId)
        expect(await records.beginCreate(caller, wanted)).toMatchObject({
          kind: 'already recorded',
          intent: { state: 'undoing' },
        })
        await records.close(closing(wanted.intentId, { state: 'undoing' }))
        expect(await records.beginCreate(caller, wanted)).toMatchObject({
          kind: 'already recorded',
          intent: { state: 'closed', outcome: 'none', dataSourceId: wanted.id },
        })
      })

      test('another’s intent for the same name is in the way until it is closed', async () => {
        const { intentId } = await begunCreate()
        const busy = (state: string, expired: boolean) => ({ kind: 'busy', intent: { id: intentId, state, expired } })
        expect(await records.beginCreate(caller, newCreate())).toMatchObject(busy('open', false))
        await records.moveToUndoing(intentId)
        expect(await records.beginCreate(caller, newCreate())).toMatchObject(busy('undoing', true))
        await records.close(closing(intentId, { state: 'undoing' }))
        await begunCreate()
      })

      test('an intent whose lease is over is told as expired', async () => {
        const { intentId } = await begunCreate({ lease: 0 })
        expect(await records.beginCreate(caller, newCreate())).toMatchObject({
          kind: 'busy',
          intent: { expired: true },
        })
        expect(await records.findIntent(intentId)).toMatchObject({ expired: true, state: 'open' })
      })

      test('the same name in another env or organization is not in the way', async () => {
        await begunCreate()
        await begunCreate({ env: 'prod' })
        const other = await bed.addOrganization(`Other ${organization}`)
        await bed.addMember({ userId, organizationId: other, role: 'data_admin' })
        const theirs = { ...caller, organization: other }
        expect(await records.beginCreate(theirs, newCreate())).toEqual({ kind: 'begun', organizationId: other })
      })

      test('a name that a live record has is taken, and that is told as failed', async () => {
        const id = await add({ name: 'new' })
        const wanted = newCreate()
        expect(await records.beginCreate(caller, wanted)).toEqual({ kind: 'taken', id, name: 'new', env: 'dev' })
        const goesOn = newCreate({ failsIfTaken: false })
        expect(await records.beginCreate(caller, goesOn)).toEqual({ kind: 'taken', id, name: 'new', env: 'dev' })
        expect(await records.findIntent(wanted.intentId)).toBe(undefined)
        expect(await events()).toMatchObject([{ action: 'create', outcome: 'failed', dataSourceName: 'new' }])
        await bed.changeRecord(id, { deleted: true })
        await begunCreate()
      })

      test('a try that was refused leaves the same intent and its event to a later one', async () => {
        const id = await add({ name: 'new' })
        const wanted = newCreate()
        await records.beginCreate(caller, wanted)
        await bed.changeRecord(id, { deleted: true })
        expect(await records.beginCreate(caller, wanted)).toMatchObject({ kind: 'begun' })
        done(await records.commitCreate(wanted.intentId, 'postgres'))
        expect((await events()).map(({ outcome }) => outcome)).toEqual(['failed', 'done'])
      })

      test('ends with the row, the event and the closed intent at once', async () => {
        const { intentId, id } = await begunCreate({ name: 'made', env: 'prod' })
        const record = done(await records.commitCreate(intentId, 'snowflake'))
        expect(record).toMatchObject({
          ...{ id, secretId: id, organizationId, name: 'made', env: 'prod', type: 'snowflake', dataSets: [] },
          ...{ onboardingStatus: 'notStarted', onboardingError: null, createdBy: { id: userId } },
        })
        expect(record.createdAt).toBe(record.updatedAt)
        expect(await records.find(caller, ref(id))).toEqual({ kind: 'found', record })
        expect(await stateOf(intentId)).toEqual({ state: 'closed', outcome: 'done' })
        expect(await events()).toEqual([
          {
            ...{ organizationId, actorId: userId, actorSource: 'a test', action: 'create', dataSourceId: id },
            ...{ dataSourceName: 'made', outcome: 'done', fields: ['host'], before: null, settledBy: null },
            after: { name: 'made', env: 'prod' },
          },
        ])
      })

      test('a second try of the last step finds it changed and does nothing', async () => {
        const { intentId } = await begunCreate()
        done(await records.commitCreate(intentId, 'postgres'))
        expect(await records.commitCreate(intentId, 'postgres')).toEqual({ kind: 'changed' })
        expect(await events()).toHaveLength(1)
      })

      test('the last step does nothing where the intent is undoing, closed or not there', async () => {
        const undoing = await begunCreate()
        await records.moveToUndoing(undoing.intentId)
        expect(await records.commitCreate(undoing.intentId, 'postgres')).toEqual({ kind: 'changed' })
        await records.close(closing(undoing.intentId, { state: 'undoing' }))
        expect(await records.commitCreate(undoing.intentId, 'postgres')).toEqual({ kind: 'changed' })
        expect(await records.commitCreate(randomUUID(), 'postgres')).toEqual({ kind: 'changed' })
        expect(await bed.readRecord(undoing.id)).toBe(undefined)
      })

      test('a name that the application took meanwhile leaves the intent open', async () => {
        const { intentId, id } = await begunCreate()
        const taker = await add({ name: 'new' })
        const taken = { kind: 'taken', id: taker, name: 'new', env: 'dev' }
        expect(await records.commitCreate(intentId, 'postgres')).toEqual(taken)
        expect(await stateOf(intentId)).toEqual({ state: 'open', outcome: null })
        expect(await bed.readRecord(id)).toBe(undefined)
        expect(await events()).toEqual([])
        await bed.changeRecord(taker, { deleted: true })
        done(await records.commitCreate(intentId, 'postgres'))
      })
    })

    describe('update of name and env', () => {
      test('changes what is given, keeps the rest, and tells what was and what is', async () => {
        const id = await add({ name: 'old', env: 'prod', updatedAt: new Date('2025-01-01T00:00:00Z') })
        const answer = await records.updatePlain(caller, plain('old', { name: 'renamed' }))
        expect(answer).toMatchObject({ kind: 'done', record: { id, name: 'renamed', env: 'prod' } })
        expect(answer.kind === 'done' && answer.record.updatedAt > '2025-01-02').toBe(true)
        expect(await bed.readRecord(id)).toEqual({ name: 'renamed', env: 'prod', deleted: false })
        expect(await events()).toEqual([
          {
            ...{ organizationId, actorId: userId, actorSource: 'a test', action: 'update', dataSourceId: id },
            ...{ dataSourceName: 'old', outcome: 'done', fields: ['name'], settledBy: null },
            ...{ before: { name: 'old', env: 'prod' }, after: { name: 'renamed', env: 'prod' } },
          },
        ])
      })

      test('what was given and is so already is not told as changed', async () => {
        const id = await add({ name: 'old', env: 'prod' })
        const change = plain(id, { name: 'renamed', env: 'prod' })
        for (const _ of ['first', 'second try']) {
          expect(await records.updatePlain(caller, change)).toMatchObject({ kind: 'done', fields: ['name'] })
        }
        expect(await events()).toMatchObject([{ outcome: 'done', fields: ['name'] }])
      })

      test('what is so already is unchanged, and told by nobody', async () => {
        const id = await add({ name: 'same', updatedAt: new Date('2025-01-01T00:00:00Z') })
        const answer = await records.updatePlain(caller, plain(id, { name: 'same', env: 'dev' }))
        expect(answer).toMatchObject({ kind: 'unchanged', record: { updatedAt: '2025-01-01T00:00:00.000Z' } })
        expect(await events()).toEqual([])
      })

      test('a second try is done already, also by the old name, and changes and tells nothing more', async () => {
        const id = await add({ name: 'old' })
        const change = plain('old', { name: 'renamed' })
        for (let i = 0; i < 2; i++)
          expect(await records.updatePlain(caller, change)).toMatchObject({ kind: 'done', record: { id } })
        await bed.changeRecord(id, { name: 'by the application' })
        expect(await records.updatePlain(caller, change)).toMatchObject({ kind: 'done', record: { id } })
        expect(await bed.readRecord(id)).toMatchObject({ name: 'by the application' })
        expect((await events()).map(({ outcome }) => outcome)).toEqual(['done'])
      })

      test('a try that was refused leaves the same event to a later one', async () => {
        const id = await add({ name: 'old' })
        const taker = await add({ name: 'wanted' })
        const change = plain(id, { name: 'wanted' })
        const refused = { kind: 'taken', id: taker, name: 'wanted', env: undefined }
        expect(await records.updatePlain(caller, change)).toEqual(refused)
        await bed.changeRecord(taker, { deleted: true })
        expect(await records.updatePlain(caller, change)).toMatchObject({ kind: 'done' })
        expect((await events()).map(({ outcome }) => outcome)).toEqual(['failed', 'done'])
      })

      test('what is not there, ambiguous or taken changes nothing and is told as failed', async () => {
        const id = await add({ name: 'one' })
        await add({ name: 'twice', env: 'dev' })
        await add({ name: 'twice', env: 'prod' })
        expect(await records.updatePlain(caller, plain('none', { name: 'x' }))).toEqual({ kind: 'not found' })
        expect(await records.updatePlain(caller, plain('twice', { name: 'x' }))).toMatchObject({ kind: 'ambiguous' })
        const taken = await records.updatePlain(caller, plain(id, { name: 'twice', env: 'prod' }))
        expect(taken).toMatchObject({ kind: 'taken', name: 'twice', env: 'prod' })
        expect(await bed.readRecord(id)).toMatchObject({ name: 'one', env: 'dev' })
        const told = (await events()).map(({ outcome, dataSourceName }) => [outcome, dataSourceName])
        expect(told).toEqual([
          ['failed', 'none'],
          ['failed', 'twice'],
          ['failed', id],
        ])
      })

      test('an intent on the same source or for the same name is in the way, and that is told by nobody', async () => {
        const id = await add({ name: 'one' })
        const other = await add({ name: 'two' })
        const update = await begunUpdate(id)
        const create = await begunCreate({ name: 'wanted' })
        const busy = (intent: string) => ({ kind: 'busy', intent: { id: intent } })
        expect(await records.updatePlain(caller, plain(id, { name: 'x' }))).toMatchObject(busy(update))
        const wanted = await records.updatePlain(caller, plain(other, { name: 'wanted' }))
        expect(wanted).toMatchObject(busy(create.intentId))
        expect(await events()).toEqual([])
      })
    })

    describe('update of credentials', () => {
      test('begins with an intent that has no base version, and the record as it is', async () => {
        const secretId = randomUUID()
        const id = await add({ name: 'old', secretId })
        const wanted = newUpdate('old')
        const answer = await records.beginUpdate(caller, wanted)
        expect(answer).toMatchObject({ kind: 'begun', record: { id, secretId, name: 'old' } })
        expect(await records.findIntent(wanted.intentId)).toEqual({
          ...{ id: wanted.intentId, kind: 'update', state: 'open', outcome: null, dataSourceId: id, secretId },
          ...{ organizationId, baseVersion: null, expired: false },
        })
        expect(await events()).toEqual([])
      })

      test('a second try finds its own intent and the record, also where it was renamed or deleted since', async () => {
        const id = await add({ name: 'old' })
        const wanted = newUpdate('old')
        await records.beginUpdate(caller, wanted)
        const own = { kind: 'already recorded', intent: { id: wanted.intentId } }
        expect(await records.beginUpdate(caller, wanted)).toMatchObject({ ...own, record: { name: 'old' } })
        await bed.changeRecord(id, { name: 'by the application' })
        const renamed = { ...own, record: { name: 'by the application' } }
        expect(await records.beginUpdate(caller, wanted)).toMatchObject(renamed)
        await bed.changeRecord(id, { deleted: true })
        expect(await records.beginUpdate(caller, wanted)).toMatchObject({ ...own, record: null })
        expect(await events()).toEqual([])
      })

      test('what is not there, ambiguous or taken begins nothing and is told as failed', async () => {
        const id = await add({ name: 'one' })
        await add({ name: 'twice', env: 'dev' })
        const prod = await add({ name: 'twice', env: 'prod' })
        expect(await records.beginUpdate(caller, newUpdate('none'))).toEqual({ kind: 'not found' })
        expect(await records.beginUpdate(caller, newUpdate('twice'))).toMatchObject({ kind: 'ambiguous' })
        const wanted = newUpdate(id, { name: 'twice', env: 'prod' })
        const taken = { kind: 'taken', id: prod, name: 'twice', env: 'prod' }
        expect(await records.beginUpdate(caller, wanted)).toEqual(taken)
        expect(await records.findIntent(wanted.intentId)).toBe(undefined)
        const told = (await events()).map(({ outcome, fields }) => [outcome, fields.join()])
        expect(told).toEqual([
          ['failed', 'port'],
          ['failed', 'port'],
          ['failed', 'name,env,port'],
        ])
      })

      test('one source has one unclosed intent, of whatever kind', async () => {
        const id = await add({ name: 'one' })
        const intentId = await begunUpdate(id)
        const busy = { kind: 'busy', intent: { id: intentId } }
        expect(await records.beginUpdate(caller, newUpdate(id))).toMatchObject(busy)
        expect(await records.beginDelete(caller, newDelete(id))).toMatchObject(busy)
        await records.moveToUndoing(intentId)
        expect(await records.beginUpdate(caller, newUpdate(id))).toMatchObject(busy)
        await records.close(closing(intentId, { state: 'undoing' }))
        await begunUpdate(id)
      })

      test('one name has one unclosed create or rename', async () => {
        const [one, two] = [await add({ name: 'one' }), await add({ name: 'two' })]
        const intentId = await begunUpdate(one, { name: 'new' })
        const busy = { kind: 'busy', intent: { id: intentId } }
        expect(await records.beginUpdate(caller, newUpdate(two, { name: 'new' }))).toMatchObject(busy)
        expect(await records.beginCreate(caller, newCreate())).toMatchObject(busy)
        await begunUpdate(two, { name: 'new', env: 'prod' })
      })

      test('an update that names the present name holds no name', async () => {
        const id = await add({ name: 'one' })
        await begunUpdate(id, { name: 'one', env: 'dev' })
        await bed.changeRecord(id, { name: 'by the application' })
        await begunCreate({ name: 'one' })
      })

      test('the base version is remembered while the intent is open', async () => {
        const intentId = await begunUpdate(await add({ name: 'one' }))
        expect(await records.recordBaseVersion(intentId, 7)).toBe('ok')
        expect(await records.findIntent(intentId)).toMatchObject({ baseVersion: 7 })
        expect(await records.recordBaseVersion(intentId, 0)).toBe('ok')
        await records.moveToUndoing(intentId)
        expect(await records.recordBaseVersion(intentId, 8)).toBe('changed')
        expect(await records.findIntent(intentId)).toMatchObject({ baseVersion: 0 })
        expect(await records.recordBaseVersion(randomUUID(), 1)).toBe('changed')
      })

      test('ends with the row, the event and the closed intent at once', async () => {
        const id = await add({ name: 'old', env: 'dev', updatedAt: new Date('2025-01-01T00:00:00Z') })
        const intentId = await begunUpdate(id, { name: 'renamed', env: 'prod', fields: ['port', 'host'] })
        const record = done(await records.commitUpdate(intentId, ['name', 'port']))
        expect(record).toMatchObject({ id, name: 'renamed', env: 'prod' })
        expect(record.updatedAt > '2025-01-02').toBe(true)
        expect(await bed.readRecord(id)).toEqual({ name: 'renamed', env: 'prod', deleted: false })
        expect(await stateOf(intentId)).toEqual({ state: 'closed', outcome: 'done' })
        expect(await events()).toEqual([
          {
            ...{ organizationId, actorId: userId, actorSource: 'a test', action: 'update', dataSourceId: id },
            ...{ dataSourceName: 'old', outcome: 'done', fields: ['name', 'port'], settledBy: null },
            ...{ before: { name: 'old', env: 'dev' }, after: { name: 'renamed', env: 'prod' } },
          },
        ])
      })

      test('a second try of the last step finds it changed, and undoing is changed too', async () => {
        const [one, two] = [await add({ name: 'one' }), await add({ name: 'two' })]
        const finished = await begunUpdate(one, { name: 'renamed' })
        done(await records.commitUpdate(finished, ['name']))
        await bed.changeRecord(one, { name: 'by the application' })
        expect(await records.commitUpdate(finished, ['name'])).toEqual({ kind: 'changed' })
        expect(await bed.readRecord(one)).toMatchObject({ name: 'by the application' })
        const undoing = await begunUpdate(two, { name: 'renamed' })
        await records.moveToUndoing(undoing)
        expect(await records.commitUpdate(undoing, ['name'])).toEqual({ kind: 'changed' })
        expect(await bed.readRecord(two)).toMatchObject({ name: 'two' })
        expect(await records.commitUpdate(randomUUID(), [])).toEqual({ kind: 'changed' })
        expect(await events()).toHaveLength(1)
      })

      test('a rename by the application during an update of credentials stays', async () => {
        const id = await add({ name: 'old' })
        const intentId = await begunUpdate(id)
        await bed.changeRecord(id, { name: 'by the application' })
        expect(done(await records.commitUpdate(intentId, ['port']))).toMatchObject({ name: 'by the application' })
        expect(await bed.readRecord(id)).toMatchObject({ name: 'by the application' })
      })

      test('an update of the env alone leaves a name that was changed meanwhile', async () => {
        const id = await add({ name: 'old', env: 'dev' })
        const intentId = await begunUpdate(id, { env: 'prod' })
        await bed.changeRecord(id, { name: 'by the application' })
        const record = done(await records.commitUpdate(intentId, ['env']))
        expect(record).toMatchObject({ name: 'by the application', env: 'prod' })
      })

      test('a name that the application took meanwhile leaves all as it is and the intent open', async () => {
        const id = await add({ name: 'old' })
        const intentId = await begunUpdate(id, { name: 'wanted' })
        const taker = await add({ name: 'wanted' })
        const taken = { kind: 'taken', id: taker, name: 'wanted', env: 'dev' }
        expect(await records.commitUpdate(intentId, ['name'])).toEqual(taken)
        expect(await stateOf(intentId)).toEqual({ state: 'open', outcome: null })
        expect(await bed.readRecord(id)).toMatchObject({ name: 'old' })
        expect(await events()).toEqual([])
      })

      test('a row that was deleted meanwhile is gone, and the intent is left open', async () => {
        const id = await add({ name: 'old' })
        const intentId = await begunUpdate(id, { name: 'wanted' })
        await bed.changeRecord(id, { deleted: true })
        expect(await records.commitUpdate(intentId, ['name'])).toEqual({ kind: 'gone' })
        expect(await stateOf(intentId)).toEqual({ state: 'open', outcome: null })
        expect(await bed.readRecord(id)).toEqual({ name: 'old', env: 'dev', deleted: true })
        expect(await events()).toEqual([])
      })
    })

    describe('delete', () => {
      test('begins with its last word: the row is gone, the event told, the intent open', async () => {
        const secretId = randomUUID()
        const id = await add({ name: 'doomed', env: 'prod', secretId })
        const remove = newDelete('doomed')
        const begun = { kind: 'begun', id, secretId, organizationId, name: 'doomed' }
        expect(await records.beginDelete(caller, remove)).toEqual(begun)
        expect(await bed.readRecord(id)).toEqual({ name: 'doomed', env: 'prod', deleted: true })
        expect(await records.find(caller, ref(id))).toEqual({ kind: 'not found' })
        expect(await records.findIntent(remove.intentId)).toEqual({
          ...{ id: remove.intentId, kind: 'delete', state: 'open', outcome: null, dataSourceId: id, secretId },
          ...{ organizationId, baseVersion: null, expired: false },
        })
        expect(await events()).toEqual([
          {
            ...{ organizationId, actorId: userId, actorSource: 'a test', action: 'delete', dataSourceId: id },
            ...{ dataSourceName: 'doomed', outcome: 'done', fields: [], before: { name: 'doomed', env: 'prod' } },
            ...{ after: null, settledBy: null },
          },
        ])
      })

      test('a second try finds its own intent and tells nothing more', async () => {
        await add({ name: 'doomed' })
        const remove = newDelete('doomed')
        await records.beginDelete(caller, remove)
        expect(await records.beginDelete(caller, remove)).toMatchObject({
          kind: 'already recorded',
          intent: { state: 'open' },
        })
        await records.close(closing(remove.intentId, { outcome: 'done' }))
        expect(await records.beginDelete(caller, remove)).toMatchObject({
          kind: 'already recorded',
          intent: { state: 'closed' },
        })
        expect(await events()).toHaveLength(1)
      })

      test('deleting again what is still to be removed finds what is owed, by UUID and by name', async () => {
        const id = await add({ name: 'doomed' })
        const remove = newDelete(id)
        await records.beginDelete(caller, remove)
        for (const text of [id, 'doomed']) {
          const again = await records.beginDelete(caller, newDelete(text))
          expect(again).toMatchObject({
            kind: 'owed',
            intent: { id: remove.intentId, dataSourceId: id, state: 'open' },
          })
        }
        expect(await records.beginDelete(caller, newDelete('doomed', { env: 'prod' }))).toEqual({ kind: 'not found' })
        await records.close(closing(remove.intentId, { outcome: 'done' }))
        expect(await records.beginDelete(caller, newDelete(id))).toEqual({ kind: 'not found' })
      })

      test('by name a live record comes before what is owed for a deleted one', async () => {
        const id = await add({ name: 'doomed' })
        await records.beginDelete(caller, newDelete(id))
        const live = await add({ name: 'doomed' })
        expect(await records.beginDelete(caller, newDelete(id))).toMatchObject({ kind: 'owed' })
        expect(await records.beginDelete(caller, newDelete('doomed'))).toMatchObject({ kind: 'begun', id: live })
      })

      test('what is owed in another organization is not found', async () => {
        const other = await bed.addOrganization(`Other ${organization}`)
        await bed.addMember({ userId, organizationId: other, role: 'data_admin' })
        const id = await bed.addRecord({ organizationId: other, name: 'theirs' })
        await records.beginDelete({ ...caller, organization: other }, newDelete(id))
        const mine = { ...caller, organization }
        expect(await records.beginDelete(mine, newDelete(id))).toEqual({ kind: 'not found' })
      })

      test('what is not there or ambiguous deletes nothing and is told as failed', async () => {
        const id = await add({ name: 'twice', env: 'dev' })
        await add({ name: 'twice', env: 'prod' })
        expect(await records.beginDelete(caller, newDelete('none'))).toEqual({ kind: 'not found' })
        expect(await records.beginDelete(caller, newDelete('twice'))).toMatchObject({ kind: 'ambiguous' })
        expect(await bed.readRecord(id)).toMatchObject({ deleted: false })
        expect((await events()).map(({ outcome }) => outcome)).toEqual(['failed', 'failed'])
        const narrowed = await records.beginDelete(caller, newDelete('twice', { env: 'dev' }))
        expect(narrowed).toMatchObject({ kind: 'begun', id })
      })

      test('a try that was refused leaves the same intent and its event to a later one', async () => {
        const remove = newDelete('late')
        expect(await records.beginDelete(caller, remove)).toEqual({ kind: 'not found' })
        await add({ name: 'late' })
        expect(await records.beginDelete(caller, remove)).toMatchObject({ kind: 'begun' })
        expect((await events()).map(({ outcome }) => outcome)).toEqual(['failed', 'done'])
      })
    })

    describe('settling', () => {
      test('an intent that nobody recorded is undefined', async () => {
        expect(await records.findIntent(randomUUID())).toBe(undefined)
        expect(await records.moveToUndoing(randomUUID())).toBe('changed')
        expect(await records.close(closing(randomUUID()))).toBe('changed')
      })

      test('moving to undoing ends the lease, once', async () => {
        const { intentId } = await begunCreate()
        expect(await records.moveToUndoing(intentId)).toBe('ok')
        expect(await records.findIntent(intentId)).toMatchObject({ state: 'undoing', outcome: null, expired: true })
        expect(await records.moveToUndoing(intentId)).toBe('changed')
        await records.close(closing(intentId, { state: 'undoing' }))
        expect(await records.moveToUndoing(intentId)).toBe('changed')
      })

      test('an intent is closed only in the state in which it was seen', async () => {
        const { intentId } = await begunCreate()
        expect(await records.close(closing(intentId, { state: 'undoing' }))).toBe('changed')
        await records.moveToUndoing(intentId)
        expect(await records.close(closing(intentId))).toBe('changed')
        expect(await stateOf(intentId)).toEqual({ state: 'undoing', outcome: null })
        expect(await events()).toEqual([])
        expect(await records.close(closing(intentId, { state: 'undoing' }))).toBe('ok')
        expect(await stateOf(intentId)).toEqual({ state: 'closed', outcome: 'none' })
        expect(await records.close(closing(intentId, { state: 'undoing', outcome: 'unknown' }))).toBe('changed')
        expect(await stateOf(intentId)).toEqual({ state: 'closed', outcome: 'none' })
      })

      test('an undone operation is told as failed once, by whom it was settled', async () => {
        const { intentId, id } = await begunCreate()
        await records.close(closing(intentId, { settledBy: 'another process' }))
        await records.close(closing(intentId))
        expect(await events()).toEqual([
          {
            ...{ organizationId, actorId: userId, actorSource: 'a test', action: 'create', dataSourceId: id },
            ...{ dataSourceName: 'new', outcome: 'failed', fields: ['host'], before: null, after: null },
            settledBy: 'another process',
          },
        ])
      })

      test('an unknown end is told as unknown, by its owner', async () => {
        const intentId = await begunUpdate(await add({ name: 'old' }), { name: 'renamed' })
        await records.close(closing(intentId, { outcome: 'unknown' }))
        const told = { action: 'update', dataSourceName: 'old', fields: ['name', 'port'], settledBy: null }
        expect(await events()).toMatchObject([{ ...told, outcome: 'unknown' }])
      })

      test('an update that changed nothing is told by nobody, nor is the end of a delete', async () => {
        const id = await add({ name: 'old' })
        const intentId = await begunUpdate(id)
        expect(await records.close(closing(intentId, { audit: false }))).toBe('ok')
        expect(await events()).toEqual([])
        const remove = newDelete(id)
        await records.beginDelete(caller, remove)
        await records.close(closing(remove.intentId, { outcome: 'done', settledBy: 'another process' }))
        expect(await stateOf(remove.intentId)).toEqual({ state: 'closed', outcome: 'done' })
        expect(await events()).toHaveLength(1)
      })
    })

    recordBatchesContract(() => ({ bed, caller, organizationId }))
  })
}
