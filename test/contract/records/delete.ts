import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { closingIntent, newDelete, ref } from './requests.ts'
import type { RecordsSuite } from './suite.ts'

/** `beginDelete`. */
export function deleteTests(suite: RecordsSuite): void {
  describe('delete', () => {
    test('begins by deleting the record, with the event and an open intent', async () => {
      const secretId = randomUUID()
      const id = await suite.add({ name: 'doomed', env: 'prod', secretId })
      const remove = newDelete('doomed')
      const begun = { kind: 'begun', id, secretId, organizationId: suite.organizationId, name: 'doomed' }
      expect(await suite.records.beginDelete(suite.caller, remove)).toEqual(begun)
      expect(await suite.fixture.readRecord(id)).toEqual({ name: 'doomed', env: 'prod', deleted: true })
      expect(await suite.records.find(suite.caller, ref(id))).toEqual({ kind: 'not found' })
      expect(await suite.records.findIntent(remove.intentId)).toEqual({
        ...{ id: remove.intentId, kind: 'delete', state: 'open', outcome: null, dataSourceId: id, secretId },
        ...{ organizationId: suite.organizationId, baseVersion: null, expired: false },
      })
      expect(await suite.events()).toEqual([
        {
          ...{
            organizationId: suite.organizationId,
            actorId: suite.userId,
            actorSource: 'a test',
            action: 'delete',
            dataSourceId: id,
          },
          ...{ dataSourceName: 'doomed', outcome: 'done', fields: [], before: { name: 'doomed', env: 'prod' } },
          ...{ after: null, settledBy: null },
        },
      ])
    })

    test('a retried begin finds its own intent and audits nothing more', async () => {
      await suite.add({ name: 'doomed' })
      const remove = newDelete('doomed')
      await suite.records.beginDelete(suite.caller, remove)
      expect(await suite.records.beginDelete(suite.caller, remove)).toMatchObject({
        kind: 'already recorded',
        intent: { state: 'open' },
      })
      await suite.records.close(closingIntent(remove.intentId, { outcome: 'done' }))
      expect(await suite.records.beginDelete(suite.caller, remove)).toMatchObject({
        kind: 'already recorded',
        intent: { state: 'closed' },
      })
      expect(await suite.events()).toHaveLength(1)
    })

    test('a second delete finds the owed removal, by UUID and name', async () => {
      const id = await suite.add({ name: 'doomed' })
      const remove = newDelete(id)
      await suite.records.beginDelete(suite.caller, remove)
      for (const text of [id, 'doomed']) {
        const again = await suite.records.beginDelete(suite.caller, newDelete(text))
        expect(again).toMatchObject({
          kind: 'owed',
          intent: { id: remove.intentId, dataSourceId: id, state: 'open' },
        })
      }
      expect(await suite.records.beginDelete(suite.caller, newDelete('doomed', { env: 'prod' }))).toEqual({
        kind: 'not found',
      })
      await suite.records.close(closingIntent(remove.intentId, { outcome: 'done' }))
      expect(await suite.records.beginDelete(suite.caller, newDelete(id))).toEqual({ kind: 'not found' })
    })

    test('a name finds a live record before the owed removal of another', async () => {
      const id = await suite.add({ name: 'doomed' })
      await suite.records.beginDelete(suite.caller, newDelete(id))
      const live = await suite.add({ name: 'doomed' })
      expect(await suite.records.beginDelete(suite.caller, newDelete(id))).toMatchObject({ kind: 'owed' })
      expect(await suite.records.beginDelete(suite.caller, newDelete('doomed'))).toMatchObject({
        kind: 'begun',
        id: live,
      })
    })

    test('an owed removal in another organization is not found', async () => {
      const other = await suite.fixture.addOrganization(`Other ${suite.organization}`)
      await suite.fixture.addMember({ userId: suite.userId, organizationId: other, role: 'data_admin' })
      const id = await suite.fixture.addRecord({ organizationId: other, name: 'theirs' })
      await suite.records.beginDelete({ ...suite.caller, organization: other }, newDelete(id))
      const mine = { ...suite.caller, organization: suite.organization }
      expect(await suite.records.beginDelete(mine, newDelete(id))).toEqual({ kind: 'not found' })
    })

    test('not found or ambiguous deletes nothing and is audited as failed', async () => {
      const id = await suite.add({ name: 'twice', env: 'dev' })
      await suite.add({ name: 'twice', env: 'prod' })
      expect(await suite.records.beginDelete(suite.caller, newDelete('none'))).toEqual({ kind: 'not found' })
      expect(await suite.records.beginDelete(suite.caller, newDelete('twice'))).toMatchObject({ kind: 'ambiguous' })
      expect(await suite.fixture.readRecord(id)).toMatchObject({ deleted: false })
      expect((await suite.events()).map(({ outcome }) => outcome)).toEqual(['failed', 'failed'])
      const narrowed = await suite.records.beginDelete(suite.caller, newDelete('twice', { env: 'dev' }))
      expect(narrowed).toMatchObject({ kind: 'begun', id })
    })

    test('a refused attempt can be retried with the same intent and event', async () => {
      const remove = newDelete('late')
      expect(await suite.records.beginDelete(suite.caller, remove)).toEqual({ kind: 'not found' })
      await suite.add({ name: 'late' })
      expect(await suite.records.beginDelete(suite.caller, remove)).toMatchObject({ kind: 'begun' })
      expect((await suite.events()).map(({ outcome }) => outcome)).toEqual(['failed', 'done'])
    })
  })
}
