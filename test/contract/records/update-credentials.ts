import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { closingIntent, newCreate, newDelete, newUpdate, recordOf } from './requests.ts'
import type { RecordsSuite } from './suite.ts'

/** `beginUpdate`, `recordBaseVersion` and `commitUpdate`. */
export function credentialsUpdateTests(suite: RecordsSuite): void {
  describe('update of credentials', () => {
    test('begins with an intent without a base version, and the record', async () => {
      const secretId = randomUUID()
      const id = await suite.add({ name: 'old', secretId })
      const wanted = newUpdate('old')
      const answer = await suite.records.beginUpdate(suite.caller, wanted)
      expect(answer).toMatchObject({ kind: 'begun', record: { id, secretId, name: 'old' } })
      expect(await suite.records.findIntent(wanted.intentId)).toEqual({
        ...{ id: wanted.intentId, kind: 'update', state: 'open', outcome: null, dataSourceId: id, secretId },
        ...{ organizationId: suite.organizationId, baseVersion: null, expired: false },
      })
      expect(await suite.events()).toEqual([])
    })

    test('a retried begin finds its intent and the current record', async () => {
      const id = await suite.add({ name: 'old' })
      const wanted = newUpdate('old')
      await suite.records.beginUpdate(suite.caller, wanted)
      const own = { kind: 'already recorded', intent: { id: wanted.intentId } }
      expect(await suite.records.beginUpdate(suite.caller, wanted)).toMatchObject({ ...own, record: { name: 'old' } })
      await suite.fixture.changeRecord(id, { name: 'by the application' })
      const renamed = { ...own, record: { name: 'by the application' } }
      expect(await suite.records.beginUpdate(suite.caller, wanted)).toMatchObject(renamed)
      await suite.fixture.changeRecord(id, { deleted: true })
      expect(await suite.records.beginUpdate(suite.caller, wanted)).toMatchObject({ ...own, record: null })
      expect(await suite.events()).toEqual([])
    })

    test('not found, ambiguous or taken begins nothing and is audited as failed', async () => {
      const id = await suite.add({ name: 'one' })
      await suite.add({ name: 'twice', env: 'dev' })
      const prod = await suite.add({ name: 'twice', env: 'prod' })
      expect(await suite.records.beginUpdate(suite.caller, newUpdate('none'))).toEqual({ kind: 'not found' })
      expect(await suite.records.beginUpdate(suite.caller, newUpdate('twice'))).toMatchObject({ kind: 'ambiguous' })
      const wanted = newUpdate(id, { name: 'twice', env: 'prod' })
      const taken = { kind: 'taken', id: prod, name: 'twice', env: 'prod' }
      expect(await suite.records.beginUpdate(suite.caller, wanted)).toEqual(taken)
      expect(await suite.records.findIntent(wanted.intentId)).toBe(undefined)
      const recorded = (await suite.events()).map(({ outcome, fields }) => [outcome, fields.join()])
      expect(recorded).toEqual([
        ['failed', 'port'],
        ['failed', 'port'],
        ['failed', 'name,env,port'],
      ])
    })

    test('a source has at most one unclosed intent of any kind', async () => {
      const id = await suite.add({ name: 'one' })
      const intentId = await suite.openUpdate(id)
      const busy = { kind: 'busy', intent: { id: intentId } }
      expect(await suite.records.beginUpdate(suite.caller, newUpdate(id))).toMatchObject(busy)
      expect(await suite.records.beginDelete(suite.caller, newDelete(id))).toMatchObject(busy)
      await suite.records.moveToUndoing(intentId)
      expect(await suite.records.beginUpdate(suite.caller, newUpdate(id))).toMatchObject(busy)
      await suite.records.close(closingIntent(intentId, { state: 'undoing' }))
      await suite.openUpdate(id)
    })

    test('a name has at most one unclosed create or rename', async () => {
      const [one, two] = [await suite.add({ name: 'one' }), await suite.add({ name: 'two' })]
      const intentId = await suite.openUpdate(one, { name: 'new' })
      const busy = { kind: 'busy', intent: { id: intentId } }
      expect(await suite.records.beginUpdate(suite.caller, newUpdate(two, { name: 'new' }))).toMatchObject(busy)
      expect(await suite.records.beginCreate(suite.caller, newCreate())).toMatchObject(busy)
      await suite.openUpdate(two, { name: 'new', env: 'prod' })
    })

    test('an update to the current name does not reserve it', async () => {
      const id = await suite.add({ name: 'one' })
      await suite.openUpdate(id, { name: 'one', env: 'dev' })
      await suite.fixture.changeRecord(id, { name: 'by the application' })
      await suite.openCreate({ name: 'one' })
    })

    test('the base version is recorded while the intent is open', async () => {
      const intentId = await suite.openUpdate(await suite.add({ name: 'one' }))
      expect(await suite.records.recordBaseVersion(intentId, 7)).toBe('ok')
      expect(await suite.records.findIntent(intentId)).toMatchObject({ baseVersion: 7 })
      expect(await suite.records.recordBaseVersion(intentId, 0)).toBe('ok')
      await suite.records.moveToUndoing(intentId)
      expect(await suite.records.recordBaseVersion(intentId, 8)).toBe('changed')
      expect(await suite.records.findIntent(intentId)).toMatchObject({ baseVersion: 0 })
      expect(await suite.records.recordBaseVersion(randomUUID(), 1)).toBe('changed')
    })

    test('commits the record, the event and the closed intent at once', async () => {
      const id = await suite.add({ name: 'old', env: 'dev', updatedAt: new Date('2025-01-01T00:00:00Z') })
      const intentId = await suite.openUpdate(id, { name: 'renamed', env: 'prod', fields: ['port', 'host'] })
      const record = recordOf(await suite.records.commitUpdate(intentId, ['name', 'port']))
      expect(record).toMatchObject({ id, name: 'renamed', env: 'prod' })
      expect(record.updatedAt > '2025-01-02').toBe(true)
      expect(await suite.fixture.readRecord(id)).toEqual({ name: 'renamed', env: 'prod', deleted: false })
      expect(await suite.stateOf(intentId)).toEqual({ state: 'closed', outcome: 'done' })
      expect(await suite.events()).toEqual([
        {
          ...{
            organizationId: suite.organizationId,
            actorId: suite.userId,
            actorSource: 'a test',
            action: 'update',
            dataSourceId: id,
          },
          ...{ dataSourceName: 'old', outcome: 'done', fields: ['name', 'port'], settledBy: null },
          ...{ before: { name: 'old', env: 'dev' }, after: { name: 'renamed', env: 'prod' } },
        },
      ])
    })

    test('a commit reports changed if the intent is closed or undoing', async () => {
      const [one, two] = [await suite.add({ name: 'one' }), await suite.add({ name: 'two' })]
      const finished = await suite.openUpdate(one, { name: 'renamed' })
      recordOf(await suite.records.commitUpdate(finished, ['name']))
      await suite.fixture.changeRecord(one, { name: 'by the application' })
      expect(await suite.records.commitUpdate(finished, ['name'])).toEqual({ kind: 'changed' })
      expect(await suite.fixture.readRecord(one)).toMatchObject({ name: 'by the application' })
      const undoing = await suite.openUpdate(two, { name: 'renamed' })
      await suite.records.moveToUndoing(undoing)
      expect(await suite.records.commitUpdate(undoing, ['name'])).toEqual({ kind: 'changed' })
      expect(await suite.fixture.readRecord(two)).toMatchObject({ name: 'two' })
      expect(await suite.records.commitUpdate(randomUUID(), [])).toEqual({ kind: 'changed' })
      expect(await suite.events()).toHaveLength(1)
    })

    test('a rename by the application during the update stays', async () => {
      const id = await suite.add({ name: 'old' })
      const intentId = await suite.openUpdate(id)
      await suite.fixture.changeRecord(id, { name: 'by the application' })
      expect(recordOf(await suite.records.commitUpdate(intentId, ['port']))).toMatchObject({
        name: 'by the application',
      })
      expect(await suite.fixture.readRecord(id)).toMatchObject({ name: 'by the application' })
    })

    test('an update of the env keeps a name changed meanwhile', async () => {
      const id = await suite.add({ name: 'old', env: 'dev' })
      const intentId = await suite.openUpdate(id, { env: 'prod' })
      await suite.fixture.changeRecord(id, { name: 'by the application' })
      const record = recordOf(await suite.records.commitUpdate(intentId, ['env']))
      expect(record).toMatchObject({ name: 'by the application', env: 'prod' })
    })

    test('a name taken by the application changes nothing and leaves the intent open', async () => {
      const id = await suite.add({ name: 'old' })
      const intentId = await suite.openUpdate(id, { name: 'wanted' })
      const taker = await suite.add({ name: 'wanted' })
      const taken = { kind: 'taken', id: taker, name: 'wanted', env: 'dev' }
      expect(await suite.records.commitUpdate(intentId, ['name'])).toEqual(taken)
      expect(await suite.stateOf(intentId)).toEqual({ state: 'open', outcome: null })
      expect(await suite.fixture.readRecord(id)).toMatchObject({ name: 'old' })
      expect(await suite.events()).toEqual([])
    })

    test('a record deleted meanwhile is gone, and the intent stays open', async () => {
      const id = await suite.add({ name: 'old' })
      const intentId = await suite.openUpdate(id, { name: 'wanted' })
      await suite.fixture.changeRecord(id, { deleted: true })
      expect(await suite.records.commitUpdate(intentId, ['name'])).toEqual({ kind: 'gone' })
      expect(await suite.stateOf(intentId)).toEqual({ state: 'open', outcome: null })
      expect(await suite.fixture.readRecord(id)).toEqual({ name: 'old', env: 'dev', deleted: true })
      expect(await suite.events()).toEqual([])
    })
  })
}
