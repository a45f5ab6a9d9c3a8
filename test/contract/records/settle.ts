import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { closingIntent, newDelete } from './requests.ts'
import type { RecordsSuite } from './suite.ts'

/** `findIntent`, `moveToUndoing` and `close`. */
export function settleTests(suite: RecordsSuite): void {
  describe('settling', () => {
    test('an unknown intent is undefined', async () => {
      expect(await suite.records.findIntent(randomUUID())).toBe(undefined)
      expect(await suite.records.moveToUndoing(randomUUID())).toBe('changed')
      expect(await suite.records.close(closingIntent(randomUUID()))).toBe('changed')
    })

    test('moving to undoing ends the lease, and happens once', async () => {
      const { intentId } = await suite.openCreate()
      expect(await suite.records.moveToUndoing(intentId)).toBe('ok')
      expect(await suite.records.findIntent(intentId)).toMatchObject({ state: 'undoing', outcome: null, expired: true })
      expect(await suite.records.moveToUndoing(intentId)).toBe('changed')
      await suite.records.close(closingIntent(intentId, { state: 'undoing' }))
      expect(await suite.records.moveToUndoing(intentId)).toBe('changed')
    })

    test('an intent is closed only in the state that the caller saw', async () => {
      const { intentId } = await suite.openCreate()
      expect(await suite.records.close(closingIntent(intentId, { state: 'undoing' }))).toBe('changed')
      await suite.records.moveToUndoing(intentId)
      expect(await suite.records.close(closingIntent(intentId))).toBe('changed')
      expect(await suite.stateOf(intentId)).toEqual({ state: 'undoing', outcome: null })
      expect(await suite.events()).toEqual([])
      expect(await suite.records.close(closingIntent(intentId, { state: 'undoing' }))).toBe('ok')
      expect(await suite.stateOf(intentId)).toEqual({ state: 'closed', outcome: 'none' })
      expect(await suite.records.close(closingIntent(intentId, { state: 'undoing', outcome: 'unknown' }))).toBe(
        'changed',
      )
      expect(await suite.stateOf(intentId)).toEqual({ state: 'closed', outcome: 'none' })
    })

    test('a rolled-back operation is audited once, with its settler', async () => {
      const { intentId, id } = await suite.openCreate()
      await suite.records.close(closingIntent(intentId, { settledBy: 'another process' }))
      await suite.records.close(closingIntent(intentId))
      expect(await suite.events()).toEqual([
        {
          ...{
            organizationId: suite.organizationId,
            actorId: suite.userId,
            actorSource: 'a test',
            action: 'create',
            dataSourceId: id,
          },
          ...{ dataSourceName: 'new', outcome: 'failed', fields: ['host'], before: null, after: null },
          settledBy: 'another process',
        },
      ])
    })

    test('an unknown outcome is audited as unknown', async () => {
      const intentId = await suite.openUpdate(await suite.add({ name: 'old' }), { name: 'renamed' })
      await suite.records.close(closingIntent(intentId, { outcome: 'unknown' }))
      const recorded = { action: 'update', dataSourceName: 'old', fields: ['name', 'port'], settledBy: null }
      expect(await suite.events()).toMatchObject([{ ...recorded, outcome: 'unknown' }])
    })

    test('an unchanged update and the end of a delete are not audited', async () => {
      const id = await suite.add({ name: 'old' })
      const intentId = await suite.openUpdate(id)
      expect(await suite.records.close(closingIntent(intentId, { audit: false }))).toBe('ok')
      expect(await suite.events()).toEqual([])
      const remove = newDelete(id)
      await suite.records.beginDelete(suite.caller, remove)
      await suite.records.close(closingIntent(remove.intentId, { outcome: 'done', settledBy: 'another process' }))
      expect(await suite.stateOf(remove.intentId)).toEqual({ state: 'closed', outcome: 'done' })
      expect(await suite.events()).toHaveLength(1)
    })
  })
}
