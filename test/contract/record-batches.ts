import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Caller } from '../../src/ports/caller.ts'
import type { BatchResult, NewCreate, NewUpdate } from '../../src/ports/record-steps.ts'
import type { RecordsFixture } from './records.ts'

/** What a test of the suite for `Records` has to work with. */
export interface Scene {
  readonly bed: RecordsFixture
  readonly caller: Caller
  readonly organizationId: string
}

const LEASE = 1000

/** The text of `RecordBatches` as tests: each of several is what it would be by itself. */
export function recordBatchesContract(scene: () => Scene): void {
  const records = () => scene().bed.records
  const caller = () => scene().caller
  const add = (name: string, env = 'dev') =>
    scene().bed.addRecord({ organizationId: scene().organizationId, name, env })
  const told = async () =>
    (await scene().bed.events(caller().email)).map(({ action, outcome, dataSourceName }) => [
      action,
      outcome,
      dataSourceName,
    ])
  const newCreate = (name: string, create: Partial<NewCreate> = {}): NewCreate => ({
    ...{ intentId: randomUUID(), id: randomUUID(), name, env: 'dev', type: 'postgres', fields: ['host', 'port'] },
    ...{ lease: LEASE, failsIfTaken: true },
    ...create,
  })
  const newUpdate = (text: string, update: Partial<NewUpdate> = {}): NewUpdate => ({
    ...{ intentId: randomUUID(), ref: { text, env: undefined }, name: undefined, env: undefined, fields: ['port'] },
    lease: LEASE,
    ...update,
  })
  const newDelete = (text: string) => ({ intentId: randomUUID(), ref: { text, env: undefined }, lease: LEASE })
  const all = <A>(answers: BatchResult<A>): readonly A[] => {
    if (answers === 'rolled back') throw new Error('They were refused as a whole.')
    return answers
  }
  const stateOf = async (id: string) => (await records().findIntent(id))?.state

  describe('several at once', () => {
    test('creates begin each by itself: its own, another’s and a taken name leave the others begun', async () => {
      const live = await add('taken')
      const [own, other] = [newCreate('own'), newCreate('busy')]
      await records().beginCreates(caller(), [own, other])
      const [fresh, inEnv] = [newCreate('fresh'), newCreate('taken', { env: 'prod' })]
      const asked = [newCreate('taken'), own, fresh, newCreate('busy'), inEnv]
      const { organizationId } = scene()
      expect(await records().beginCreates(caller(), asked)).toMatchObject([
        { kind: 'taken', id: live, name: 'taken', env: 'dev' },
        { kind: 'already recorded', intent: { id: own.intentId, state: 'open', dataSourceId: own.id } },
        { kind: 'begun', organizationId },
        { kind: 'busy', intent: { id: other.intentId } },
        { kind: 'begun', organizationId },
      ])
      expect(await records().findIntent(fresh.intentId)).toMatchObject({
        ...{ kind: 'create', state: 'open', dataSourceId: fresh.id, secretId: fresh.id, organizationId },
        ...{ expired: false, baseVersion: null },
      })
      expect(await told()).toEqual([['create', 'failed', 'taken']])
    })

    test('who may not is denied each, told once however often it is tried, and nothing begins', async () => {
      const denied = { ...caller(), roles: [] }
      const asked = [newCreate('one'), newCreate('two')]
      for (let tries = 0; tries < 2; tries++) {
        const refusal = { kind: 'denied', reason: 'role' }
        expect(await records().beginCreates(denied, asked)).toMatchObject([refusal, refusal])
      }
      const id = await add('there')
      expect(await records().beginUpdates(denied, [newUpdate(id)])).toMatchObject([{ kind: 'denied' }])
      expect(await records().beginDeletes(denied, [newDelete(id)])).toMatchObject([{ kind: 'denied' }])
      expect(await stateOf(asked[0]?.intentId ?? '')).toBe(undefined)
      expect((await told()).sort()).toEqual([
        ['create', 'denied', 'one'],
        ['create', 'denied', 'two'],
        ['delete', 'denied', id],
        ['update', 'denied', id],
      ])
    })

    test('a UUID means the record that has it, also where another is named so', async () => {
      const id = await add('itself')
      await add(id, 'prod')
      expect(await records().beginUpdates(caller(), [newUpdate(id)])).toMatchObject([{ kind: 'begun', record: { id } }])
      const other = await add('other')
      await add(other, 'prod')
      expect(await records().beginDeletes(caller(), [newDelete(other)])).toMatchObject([{ kind: 'begun', id: other }])
    })

    test('two of one name never both begin', async () => {
      const asked = [newCreate('same'), newCreate('same')]
      const answers = await records().beginCreates(caller(), asked)
      if (answers !== 'rolled back') return expect(answers.map(({ kind }) => kind)).toEqual(['begun', 'busy'])
      for (const { intentId } of asked) expect(await stateOf(intentId)).toBe(undefined)
    })

    test('creates end each by itself: rows, events and closed intents of those that can, in their order', async () => {
      const [done, taken, undoing] = [newCreate('done', { env: 'prod' }), newCreate('taken'), newCreate('undoing')]
      all(await records().beginCreates(caller(), [done, taken, undoing]))
      const live = await add('taken')
      await records().moveToUndoing(undoing.intentId)
      const rows = [
        { intentId: undoing.intentId, type: 'postgres' },
        { intentId: done.intentId, type: 'snowflake' },
        { intentId: randomUUID(), type: 'postgres' },
        { intentId: taken.intentId, type: 'postgres' },
      ]
      const answers = all(await records().commitCreates(rows))
      expect(answers).toMatchObject([
        { kind: 'changed' },
        { kind: 'done', record: { id: done.id, name: 'done', env: 'prod', type: 'snowflake', dataSets: [] } },
        { kind: 'changed' },
        { kind: 'taken', id: live, name: 'taken', env: 'dev' },
      ])
      const record = answers[1]?.kind === 'done' && answers[1].record
      expect(await records().find(caller(), { text: done.id, env: undefined })).toEqual({
        kind: 'found',
        record,
      })
      expect(await Promise.all([done, taken, undoing].map(({ intentId }) => stateOf(intentId)))).toEqual([
        ...['closed', 'open', 'undoing'],
      ])
      expect(await told()).toEqual([['create', 'done', 'done']])
      expect(await scene().bed.readRecord(undoing.id)).toBe(undefined)
    })

    test('two hundred begin and end, and the same statements again find their own and change nothing', async () => {
      const creates = Array.from({ length: 200 }, (_, at) => newCreate(`n${at}`))
      const kinds = (answers: BatchResult<{ kind: string }>) => [...new Set(all(answers).map(({ kind }) => kind))]
      const rows = creates.map(({ intentId }) => ({ intentId, type: 'postgres' }))
      expect(kinds(await records().beginCreates(caller(), creates))).toEqual(['begun'])
      expect(kinds(await records().beginCreates(caller(), creates))).toEqual(['already recorded'])
      const finished = all(await records().commitCreates(rows))
      expect(finished.map(answer => answer.kind === 'done' && answer.record.name)).toEqual(
        creates.map(({ name }) => name),
      )
      expect(kinds(await records().commitCreates(rows))).toEqual(['changed'])
      expect(kinds(await records().beginCreates(caller(), creates))).toEqual(['already recorded'])
      expect(await told()).toHaveLength(200)
    })

    test('updates begin each by itself', async () => {
      const [one, busy, renamed, twice] = [
        await add('one'),
        await add('busy'),
        await add('renamed'),
        await add('twice'),
      ]
      const prod = await add('twice', 'prod')
      const other = newUpdate(busy)
      await records().beginUpdate(caller(), other)
      const own = newUpdate('renamed', { name: 'free' })
      await records().beginUpdate(caller(), own)
      const begun = newUpdate(one.toUpperCase(), { fields: ['port', 'a\ud800\0b'] })
      const asked = [
        ...[newUpdate('none'), begun, newUpdate('twice'), newUpdate(busy), own],
        ...[newUpdate(twice, { name: 'free' }), newUpdate(prod, { env: 'dev' })],
      ]
      expect(await records().beginUpdates(caller(), asked)).toMatchObject([
        { kind: 'not found' },
        { kind: 'begun', record: { id: one, name: 'one' } },
        { kind: 'ambiguous', candidates: [{ id: twice }, { id: prod }] },
        { kind: 'busy', intent: { id: other.intentId } },
        { kind: 'already recorded', intent: { id: own.intentId }, record: { id: renamed } },
        { kind: 'busy', intent: { id: own.intentId } },
        { kind: 'taken', id: twice, name: undefined, env: 'dev' },
      ])
      expect(await records().findIntent(begun.intentId)).toMatchObject({ kind: 'update', dataSourceId: one })
      const refused = ['none', prod, 'twice'].map(name => ['update', 'failed', name])
      expect((await told()).sort()).toEqual(refused.sort())
    })

    test('base versions are remembered of those that are open', async () => {
      const updates = [newUpdate(await add('one')), newUpdate(await add('two'))] as const
      all(await records().beginUpdates(caller(), updates))
      const [open, undoing] = updates
      await records().moveToUndoing(undoing.intentId)
      const versions = [undoing.intentId, open.intentId, randomUUID()].map((intentId, at) => ({
        intentId,
        version: at,
      }))
      expect(await records().recordBaseVersions(versions)).toEqual(['changed', 'ok', 'changed'])
      expect(await records().findIntent(open.intentId)).toMatchObject({ baseVersion: 1 })
      expect(await records().findIntent(undoing.intentId)).toMatchObject({ baseVersion: null })
    })

    test('updates end each by itself, with the fields of each', async () => {
      const [one, two, gone, old] = [await add('one'), await add('two'), await add('gone'), await add('old')]
      const updates = [newUpdate(one), newUpdate(two, { name: 'new' }), newUpdate(gone), newUpdate(old, { name: 'x' })]
      all(await records().beginUpdates(caller(), updates))
      await scene().bed.changeRecord(gone, { deleted: true })
      const taker = await add('x')
      const ends = updates.map(({ intentId }, at) => ({ intentId, fields: [`field${at}`] }))
      expect(await records().commitUpdates([...ends, { intentId: randomUUID(), fields: [] }])).toMatchObject([
        { kind: 'done', record: { id: one, name: 'one' } },
        { kind: 'done', record: { id: two, name: 'new' } },
        { kind: 'gone' },
        { kind: 'taken', id: taker, name: 'x', env: 'dev' },
        { kind: 'changed' },
      ])
      expect(await Promise.all(updates.map(({ intentId }) => stateOf(intentId)))).toEqual([
        ...['closed', 'closed', 'open', 'open'],
      ])
      const events = await scene().bed.events(caller().email)
      expect(events.map(({ fields, before, after }) => ({ fields, before, after }))).toEqual(
        expect.arrayContaining([
          { fields: ['field0'], before: { name: 'one', env: 'dev' }, after: { name: 'one', env: 'dev' } },
          { fields: ['field1'], before: { name: 'two', env: 'dev' }, after: { name: 'new', env: 'dev' } },
        ]),
      )
      expect(events).toHaveLength(2)
    })

    test('deletes begin each by itself', async () => {
      const [one, busy, owed] = [await add('one'), await add('busy'), await add('owed')]
      await add('twice')
      await add('twice', 'prod')
      const other = newUpdate(busy)
      await records().beginUpdate(caller(), other)
      const [earlier, own] = [newDelete(owed), newDelete(await add('own'))]
      all(await records().beginDeletes(caller(), [earlier, own]))
      const begun = newDelete(one)
      const asked = [newDelete('owed'), newDelete(busy), begun, own, newDelete('twice'), newDelete('none')]
      expect(await records().beginDeletes(caller(), asked)).toMatchObject([
        { kind: 'owed', intent: { id: earlier.intentId } },
        { kind: 'busy', intent: { id: other.intentId } },
        { kind: 'begun', id: one, secretId: one, organizationId: scene().organizationId, name: 'one' },
        { kind: 'already recorded', intent: { id: own.intentId } },
        { kind: 'ambiguous' },
        { kind: 'not found' },
      ])
      expect(await scene().bed.readRecord(one)).toMatchObject({ deleted: true })
      expect(await scene().bed.readRecord(busy)).toMatchObject({ deleted: false })
      expect(await stateOf(begun.intentId)).toBe('open')
      const outcomes = (await told()).map(([, outcome, name]) => `${outcome} ${name}`)
      expect(outcomes.sort()).toEqual(['done one', 'done owed', 'done own', 'failed none', 'failed twice'])
    })

    test('intents are closed each in the state in which it was seen, and told as each is', async () => {
      const creates = ['told', 'quiet', 'unknown', 'undoing'].map(name => newCreate(name))
      all(await records().beginCreates(caller(), creates))
      const [failed, quiet, unknown, undoing] = creates.map(({ intentId }) => intentId)
      await records().moveToUndoing(undoing ?? '')
      const closing = { state: 'open', outcome: 'none', audit: true, settledBy: undefined } as const
      const closings = [
        { ...closing, id: undoing ?? '' },
        { ...closing, id: failed ?? '' },
        { ...closing, id: quiet ?? '', audit: false },
        { ...closing, id: unknown ?? '', outcome: 'unknown', settledBy: 'another process' } as const,
      ]
      expect(await records().closeAll(closings)).toEqual(['changed', 'ok', 'ok', 'ok'])
      expect(await records().closeAll(closings)).toEqual(['changed', 'changed', 'changed', 'changed'])
      const events = await scene().bed.events(caller().email)
      expect(
        events.map(({ dataSourceName, outcome, settledBy }) => [dataSourceName, outcome, settledBy]).sort(),
      ).toEqual([
        ['told', 'failed', null],
        ['unknown', 'unknown', 'another process'],
      ])
    })

    test('of nothing nothing is asked', async () => {
      const answers = [
        records().beginCreates(caller(), []),
        records().commitCreates([]),
        records().beginUpdates(caller(), []),
        records().recordBaseVersions([]),
        records().commitUpdates([]),
        records().beginDeletes(caller(), []),
        records().closeAll([]),
      ]
      for (const answer of answers) expect(await answer).toEqual([])
    })
  })
}
