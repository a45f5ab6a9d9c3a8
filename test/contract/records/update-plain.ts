import { describe, expect, test } from 'vitest'
import { plainUpdate } from './requests.ts'
import type { RecordsSuite } from './suite.ts'

/** `updatePlain`: name and env without credentials. */
export function plainUpdateTests(suite: RecordsSuite): void {
  describe('update of name and env', () => {
    test('changes only what is given, and audits before and after', async () => {
      const id = await suite.add({ name: 'old', env: 'prod', updatedAt: new Date('2025-01-01T00:00:00Z') })
      const answer = await suite.records.updatePlain(suite.caller, plainUpdate('old', { name: 'renamed' }))
      expect(answer).toMatchObject({ kind: 'done', record: { id, name: 'renamed', env: 'prod' } })
      expect(answer.kind === 'done' && answer.record.updatedAt > '2025-01-02').toBe(true)
      expect(await suite.fixture.readRecord(id)).toEqual({ name: 'renamed', env: 'prod', deleted: false })
      expect(await suite.events()).toEqual([
        {
          ...{
            organizationId: suite.organizationId,
            actorId: suite.userId,
            actorSource: 'a test',
            action: 'update',
            dataSourceId: id,
          },
          ...{ dataSourceName: 'old', outcome: 'done', fields: ['name'], settledBy: null },
          ...{ before: { name: 'old', env: 'prod' }, after: { name: 'renamed', env: 'prod' } },
        },
      ])
    })

    test('a given value that is already set is not audited as changed', async () => {
      const id = await suite.add({ name: 'old', env: 'prod' })
      const change = plainUpdate(id, { name: 'renamed', env: 'prod' })
      for (const _ of ['first', 'second try']) {
        expect(await suite.records.updatePlain(suite.caller, change)).toMatchObject({ kind: 'done', fields: ['name'] })
      }
      expect(await suite.events()).toMatchObject([{ outcome: 'done', fields: ['name'] }])
    })

    test('an update without a change is unchanged and not audited', async () => {
      const id = await suite.add({ name: 'same', updatedAt: new Date('2025-01-01T00:00:00Z') })
      const answer = await suite.records.updatePlain(suite.caller, plainUpdate(id, { name: 'same', env: 'dev' }))
      expect(answer).toMatchObject({ kind: 'unchanged', record: { updatedAt: '2025-01-01T00:00:00.000Z' } })
      expect(await suite.events()).toEqual([])
    })

    test('a retry by the old name is done, and changes and audits nothing', async () => {
      const id = await suite.add({ name: 'old' })
      const change = plainUpdate('old', { name: 'renamed' })
      for (let i = 0; i < 2; i++)
        expect(await suite.records.updatePlain(suite.caller, change)).toMatchObject({ kind: 'done', record: { id } })
      await suite.fixture.changeRecord(id, { name: 'by the application' })
      expect(await suite.records.updatePlain(suite.caller, change)).toMatchObject({ kind: 'done', record: { id } })
      expect(await suite.fixture.readRecord(id)).toMatchObject({ name: 'by the application' })
      expect((await suite.events()).map(({ outcome }) => outcome)).toEqual(['done'])
    })

    test('a refused attempt can be retried with the same event', async () => {
      const id = await suite.add({ name: 'old' })
      const taker = await suite.add({ name: 'wanted' })
      const change = plainUpdate(id, { name: 'wanted' })
      const refused = { kind: 'taken', id: taker, name: 'wanted', env: undefined }
      expect(await suite.records.updatePlain(suite.caller, change)).toEqual(refused)
      await suite.fixture.changeRecord(taker, { deleted: true })
      expect(await suite.records.updatePlain(suite.caller, change)).toMatchObject({ kind: 'done' })
      expect((await suite.events()).map(({ outcome }) => outcome)).toEqual(['failed', 'done'])
    })

    test('not found, ambiguous or taken changes nothing and is audited as failed', async () => {
      const id = await suite.add({ name: 'one' })
      await suite.add({ name: 'twice', env: 'dev' })
      await suite.add({ name: 'twice', env: 'prod' })
      expect(await suite.records.updatePlain(suite.caller, plainUpdate('none', { name: 'x' }))).toEqual({
        kind: 'not found',
      })
      expect(await suite.records.updatePlain(suite.caller, plainUpdate('twice', { name: 'x' }))).toMatchObject({
        kind: 'ambiguous',
      })
      const taken = await suite.records.updatePlain(suite.caller, plainUpdate(id, { name: 'twice', env: 'prod' }))
      expect(taken).toMatchObject({ kind: 'taken', name: 'twice', env: 'prod' })
      expect(await suite.fixture.readRecord(id)).toMatchObject({ name: 'one', env: 'dev' })
      const recorded = (await suite.events()).map(({ outcome, dataSourceName }) => [outcome, dataSourceName])
      expect(recorded).toEqual([
        ['failed', 'none'],
        ['failed', 'twice'],
        ['failed', id],
      ])
    })

    test('an intent for the source or name blocks it, without an event', async () => {
      const id = await suite.add({ name: 'one' })
      const other = await suite.add({ name: 'two' })
      const update = await suite.openUpdate(id)
      const create = await suite.openCreate({ name: 'wanted' })
      const busy = (intent: string) => ({ kind: 'busy', intent: { id: intent } })
      expect(await suite.records.updatePlain(suite.caller, plainUpdate(id, { name: 'x' }))).toMatchObject(busy(update))
      const wanted = await suite.records.updatePlain(suite.caller, plainUpdate(other, { name: 'wanted' }))
      expect(wanted).toMatchObject(busy(create.intentId))
      expect(await suite.events()).toEqual([])
    })
  })
}
