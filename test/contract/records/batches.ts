import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { BatchResult, NewCreate, NewUpdate } from '../../../src/ports/record-steps.ts'
import type { RecordsSuite } from './suite.ts'

const LEASE = 1000

/** The port `RecordBatches`: each of several steps has the result that it would have alone. */
export function batchTests(suite: RecordsSuite): void {
  const add = (name: string, env = 'dev') => suite.add({ name, env })
  const recorded = async () =>
    (await suite.events()).map(({ action, outcome, dataSourceName }) => [action, outcome, dataSourceName])
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
    if (answers === 'rolled back') throw new Error('The batch was rolled back.')
    return answers
  }
  const stateOf = async (id: string) => (await suite.records.findIntent(id))?.state

  describe('several at once', () => {
    test('each create begins on its own, even if others are blocked or taken', async () => {
      const live = await add('taken')
      const [own, other] = [newCreate('own'), newCreate('busy')]
      await suite.records.beginCreates(suite.caller, [own, other])
      const [fresh, inEnv] = [newCreate('fresh'), newCreate('taken', { env: 'prod' })]
      const asked = [newCreate('taken'), own, fresh, newCreate('busy'), inEnv]
      const { organizationId } = suite
      expect(await suite.records.beginCreates(suite.caller, asked)).toMatchObject([
        { kind: 'taken', id: live, name: 'taken', env: 'dev' },
        { kind: 'already recorded', intent: { id: own.intentId, state: 'open', dataSourceId: own.id } },
        { kind: 'begun', organizationId },
        { kind: 'busy', intent: { id: other.intentId } },
        { kind: 'begun', organizationId },
      ])
      expect(await suite.records.findIntent(fresh.intentId)).toMatchObject({
        ...{ kind: 'create', state: 'open', dataSourceId: fresh.id, secretId: fresh.id, organizationId },
        ...{ expired: false, baseVersion: null },
      })
      expect(await recorded()).toEqual([['create', 'failed', 'taken']])
    })

    test('each denial is audited once, and nothing begins', async () => {
      const denied = { ...suite.caller, roles: [] }
      const asked = [newCreate('one'), newCreate('two')]
      for (let tries = 0; tries < 2; tries++) {
        const refusal = { kind: 'denied', reason: 'role' }
        expect(await suite.records.beginCreates(denied, asked)).toMatchObject([refusal, refusal])
      }
      const id = await add('there')
      expect(await suite.records.beginUpdates(denied, [newUpdate(id)])).toMatchObject([{ kind: 'denied' }])
      expect(await suite.records.beginDeletes(denied, [newDelete(id)])).toMatchObject([{ kind: 'denied' }])
      expect(await stateOf(asked[0]?.intentId ?? '')).toBe(undefined)
      expect((await recorded()).sort()).toEqual([
        ['create', 'denied', 'one'],
        ['create', 'denied', 'two'],
        ['delete', 'denied', id],
        ['update', 'denied', id],
      ])
    })

    test('a UUID finds its record even if another record has it as name', async () => {
      const id = await add('itself')
      await add(id, 'prod')
      expect(await suite.records.beginUpdates(suite.caller, [newUpdate(id)])).toMatchObject([
        { kind: 'begun', record: { id } },
      ])
      const other = await add('other')
      await add(other, 'prod')
      expect(await suite.records.beginDeletes(suite.caller, [newDelete(other)])).toMatchObject([
        { kind: 'begun', id: other },
      ])
    })

    test('two creates of one name never both begin', async () => {
      const asked = [newCreate('same'), newCreate('same')]
      const answers = await suite.records.beginCreates(suite.caller, asked)
      if (answers !== 'rolled back') return expect(answers.map(({ kind }) => kind)).toEqual(['begun', 'busy'])
      for (const { intentId } of asked) expect(await stateOf(intentId)).toBe(undefined)
    })

    test('each create commits on its own, with results in order', async () => {
      const [done, taken, undoing] = [newCreate('done', { env: 'prod' }), newCreate('taken'), newCreate('undoing')]
      all(await suite.records.beginCreates(suite.caller, [done, taken, undoing]))
      const live = await add('taken')
      await suite.records.moveToUndoing(undoing.intentId)
      const rows = [
        { intentId: undoing.intentId, type: 'postgres' },
        { intentId: done.intentId, type: 'snowflake' },
        { intentId: randomUUID(), type: 'postgres' },
        { intentId: taken.intentId, type: 'postgres' },
      ]
      const answers = all(await suite.records.commitCreates(rows))
      expect(answers).toMatchObject([
        { kind: 'changed' },
        { kind: 'done', record: { id: done.id, name: 'done', env: 'prod', type: 'snowflake', dataSets: [] } },
        { kind: 'changed' },
        { kind: 'taken', id: live, name: 'taken', env: 'dev' },
      ])
      const record = answers[1]?.kind === 'done' && answers[1].record
      expect(await suite.records.find(suite.caller, { text: done.id, env: undefined })).toEqual({
        kind: 'found',
        record,
      })
      expect(await Promise.all([done, taken, undoing].map(({ intentId }) => stateOf(intentId)))).toEqual([
        ...['closed', 'open', 'undoing'],
      ])
      expect(await recorded()).toEqual([['create', 'done', 'done']])
      expect(await suite.fixture.readRecord(undoing.id)).toBe(undefined)
    })

    test('a batch of 200 can be repeated without a change', async () => {
      const creates = Array.from({ length: 200 }, (_, at) => newCreate(`n${at}`))
      const kinds = (answers: BatchResult<{ kind: string }>) => [...new Set(all(answers).map(({ kind }) => kind))]
      const rows = creates.map(({ intentId }) => ({ intentId, type: 'postgres' }))
      expect(kinds(await suite.records.beginCreates(suite.caller, creates))).toEqual(['begun'])
      expect(kinds(await suite.records.beginCreates(suite.caller, creates))).toEqual(['already recorded'])
      const finished = all(await suite.records.commitCreates(rows))
      expect(finished.map(answer => answer.kind === 'done' && answer.record.name)).toEqual(
        creates.map(({ name }) => name),
      )
      expect(kinds(await suite.records.commitCreates(rows))).toEqual(['changed'])
      expect(kinds(await suite.records.beginCreates(suite.caller, creates))).toEqual(['already recorded'])
      expect(await recorded()).toHaveLength(200)
    })

    test('each update begins on its own', async () => {
      const [one, busy, renamed, twice] = [
        await add('one'),
        await add('busy'),
        await add('renamed'),
        await add('twice'),
      ]
      const prod = await add('twice', 'prod')
      const other = newUpdate(busy)
      await suite.records.beginUpdate(suite.caller, other)
      const own = newUpdate('renamed', { name: 'free' })
      await suite.records.beginUpdate(suite.caller, own)
      const begun = newUpdate(one.toUpperCase(), { fields: ['port', 'a\ud800\0b'] })
      const asked = [
        ...[newUpdate('none'), begun, newUpdate('twice'), newUpdate(busy), own],
        ...[newUpdate(twice, { name: 'free' }), newUpdate(prod, { env: 'dev' })],
      ]
      expect(await suite.records.beginUpdates(suite.caller, asked)).toMatchObject([
        { kind: 'not found' },
        { kind: 'begun', record: { id: one, name: 'one' } },
        { kind: 'ambiguous', candidates: [{ id: twice }, { id: prod }] },
        { kind: 'busy', intent: { id: other.intentId } },
        { kind: 'already recorded', intent: { id: own.intentId }, record: { id: renamed } },
        { kind: 'busy', intent: { id: own.intentId } },
        { kind: 'taken', id: twice, name: undefined, env: 'dev' },
      ])
      expect(await suite.records.findIntent(begun.intentId)).toMatchObject({ kind: 'update', dataSourceId: one })
      const refused = ['none', prod, 'twice'].map(name => ['update', 'failed', name])
      expect((await recorded()).sort()).toEqual(refused.sort())
    })

    test('base versions are recorded for open intents', async () => {
      const updates = [newUpdate(await add('one')), newUpdate(await add('two'))] as const
      all(await suite.records.beginUpdates(suite.caller, updates))
      const [open, undoing] = updates
      await suite.records.moveToUndoing(undoing.intentId)
      const versions = [undoing.intentId, open.intentId, randomUUID()].map((intentId, at) => ({
        intentId,
        version: at,
      }))
      expect(await suite.records.recordBaseVersions(versions)).toEqual(['changed', 'ok', 'changed'])
      expect(await suite.records.findIntent(open.intentId)).toMatchObject({ baseVersion: 1 })
      expect(await suite.records.findIntent(undoing.intentId)).toMatchObject({ baseVersion: null })
    })

    test('each update commits on its own, with its fields', async () => {
      const [one, two, gone, old] = [await add('one'), await add('two'), await add('gone'), await add('old')]
      const updates = [newUpdate(one), newUpdate(two, { name: 'new' }), newUpdate(gone), newUpdate(old, { name: 'x' })]
      all(await suite.records.beginUpdates(suite.caller, updates))
      await suite.fixture.changeRecord(gone, { deleted: true })
      const taker = await add('x')
      const ends = updates.map(({ intentId }, at) => ({ intentId, fields: [`field${at}`] }))
      expect(await suite.records.commitUpdates([...ends, { intentId: randomUUID(), fields: [] }])).toMatchObject([
        { kind: 'done', record: { id: one, name: 'one' } },
        { kind: 'done', record: { id: two, name: 'new' } },
        { kind: 'gone' },
        { kind: 'taken', id: taker, name: 'x', env: 'dev' },
        { kind: 'changed' },
      ])
      expect(await Promise.all(updates.map(({ intentId }) => stateOf(intentId)))).toEqual([
        ...['closed', 'closed', 'open', 'open'],
      ])
      const events = await suite.events()
      expect(events.map(({ fields, before, after }) => ({ fields, before, after }))).toEqual(
        expect.arrayContaining([
          { fields: ['field0'], before: { name: 'one', env: 'dev' }, after: { name: 'one', env: 'dev' } },
          { fields: ['field1'], before: { name: 'two', env: 'dev' }, after: { name: 'new', env: 'dev' } },
        ]),
      )
      expect(events).toHaveLength(2)
    })

    test('each delete begins on its own', async () => {
      const [one, busy, owed] = [await add('one'), await add('busy'), await add('owed')]
      await add('twice')
      await add('twice', 'prod')
      const other = newUpdate(busy)
      await suite.records.beginUpdate(suite.caller, other)
      const [earlier, own] = [newDelete(owed), newDelete(await add('own'))]
      all(await suite.records.beginDeletes(suite.caller, [earlier, own]))
      const begun = newDelete(one)
      const asked = [newDelete('owed'), newDelete(busy), begun, own, newDelete('twice'), newDelete('none')]
      expect(await suite.records.beginDeletes(suite.caller, asked)).toMatchObject([
        { kind: 'owed', intent: { id: earlier.intentId } },
        { kind: 'busy', intent: { id: other.intentId } },
        { kind: 'begun', id: one, secretId: one, organizationId: suite.organizationId, name: 'one' },
        { kind: 'already recorded', intent: { id: own.intentId } },
        { kind: 'ambiguous' },
        { kind: 'not found' },
      ])
      expect(await suite.fixture.readRecord(one)).toMatchObject({ deleted: true })
      expect(await suite.fixture.readRecord(busy)).toMatchObject({ deleted: false })
      expect(await stateOf(begun.intentId)).toBe('open')
      const outcomes = (await recorded()).map(([, outcome, name]) => `${outcome} ${name}`)
      expect(outcomes.sort()).toEqual(['done one', 'done owed', 'done own', 'failed none', 'failed twice'])
    })

    test('each intent is closed and audited on its own', async () => {
      const creates = ['audited', 'quiet', 'unknown', 'undoing'].map(name => newCreate(name))
      all(await suite.records.beginCreates(suite.caller, creates))
      const [failed, quiet, unknown, undoing] = creates.map(({ intentId }) => intentId)
      await suite.records.moveToUndoing(undoing ?? '')
      const closing = { state: 'open', outcome: 'none', audit: true, settledBy: undefined } as const
      const closings = [
        { ...closing, id: undoing ?? '' },
        { ...closing, id: failed ?? '' },
        { ...closing, id: quiet ?? '', audit: false },
        { ...closing, id: unknown ?? '', outcome: 'unknown', settledBy: 'another process' } as const,
      ]
      expect(await suite.records.closeAll(closings)).toEqual(['changed', 'ok', 'ok', 'ok'])
      expect(await suite.records.closeAll(closings)).toEqual(['changed', 'changed', 'changed', 'changed'])
      const events = await suite.events()
      expect(
        events.map(({ dataSourceName, outcome, settledBy }) => [dataSourceName, outcome, settledBy]).sort(),
      ).toEqual([
        ['audited', 'failed', null],
        ['unknown', 'unknown', 'another process'],
      ])
    })

    test('an empty batch has no results', async () => {
      const answers = [
        suite.records.beginCreates(suite.caller, []),
        suite.records.commitCreates([]),
        suite.records.beginUpdates(suite.caller, []),
        suite.records.recordBaseVersions([]),
        suite.records.commitUpdates([]),
        suite.records.beginDeletes(suite.caller, []),
        suite.records.closeAll([]),
      ]
      for (const answer of answers) expect(await answer).toEqual([])
    })
  })
}
