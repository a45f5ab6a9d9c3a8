import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { closingIntent, newCreate, recordOf, ref } from './requests.ts'
import type { RecordsSuite } from './suite.ts'

/** `beginCreate` and `commitCreate`. */
export function createTests(suite: RecordsSuite): void {
  describe('create', () => {
    test('begins with an open intent, and nothing else', async () => {
      const { intentId, id } = await suite.openCreate()
      expect(await suite.records.findIntent(intentId)).toEqual({
        ...{ id: intentId, kind: 'create', state: 'open', outcome: null, dataSourceId: id, secretId: id },
        ...{ organizationId: suite.organizationId, baseVersion: null, expired: false },
      })
      expect(await suite.fixture.readRecord(id)).toBe(undefined)
      expect(await suite.events()).toEqual([])
    })

    test('a retried begin finds its own intent in any state', async () => {
      const wanted = await suite.openCreate()
      expect(await suite.records.beginCreate(suite.caller, wanted)).toMatchObject({
        kind: 'already recorded',
        intent: { state: 'open' },
      })
      await suite.records.moveToUndoing(wanted.intentId)
      expect(await suite.records.beginCreate(suite.caller, wanted)).toMatchObject({
        kind: 'already recorded',
        intent: { state: 'undoing' },
      })
      await suite.records.close(closingIntent(wanted.intentId, { state: 'undoing' }))
      expect(await suite.records.beginCreate(suite.caller, wanted)).toMatchObject({
        kind: 'already recorded',
        intent: { state: 'closed', outcome: 'none', dataSourceId: wanted.id },
      })
    })

    test('another intent for the name blocks it until it is closed', async () => {
      const { intentId } = await suite.openCreate()
      const busy = (state: string, expired: boolean) => ({ kind: 'busy', intent: { id: intentId, state, expired } })
      expect(await suite.records.beginCreate(suite.caller, newCreate())).toMatchObject(busy('open', false))
      await suite.records.moveToUndoing(intentId)
      expect(await suite.records.beginCreate(suite.caller, newCreate())).toMatchObject(busy('undoing', true))
      await suite.records.close(closingIntent(intentId, { state: 'undoing' }))
      await suite.openCreate()
    })

    test('an intent is reported as expired after its lease', async () => {
      const { intentId } = await suite.openCreate({ lease: 0 })
      expect(await suite.records.beginCreate(suite.caller, newCreate())).toMatchObject({
        kind: 'busy',
        intent: { expired: true },
      })
      expect(await suite.records.findIntent(intentId)).toMatchObject({ expired: true, state: 'open' })
    })

    test('the name in another env or organization does not block', async () => {
      await suite.openCreate()
      await suite.openCreate({ env: 'prod' })
      const other = await suite.fixture.addOrganization(`Other ${suite.organization}`)
      await suite.fixture.addMember({ userId: suite.userId, organizationId: other, role: 'data_admin' })
      const theirs = { ...suite.caller, organization: other }
      expect(await suite.records.beginCreate(theirs, newCreate())).toEqual({ kind: 'begun', organizationId: other })
    })

    test('a name of a live record is taken, and audited as failed', async () => {
      const id = await suite.add({ name: 'new' })
      const wanted = newCreate()
      expect(await suite.records.beginCreate(suite.caller, wanted)).toEqual({
        kind: 'taken',
        id,
        name: 'new',
        env: 'dev',
      })
      const goesOn = newCreate({ failsIfTaken: false })
      expect(await suite.records.beginCreate(suite.caller, goesOn)).toEqual({
        kind: 'taken',
        id,
        name: 'new',
        env: 'dev',
      })
      expect(await suite.records.findIntent(wanted.intentId)).toBe(undefined)
      expect(await suite.events()).toMatchObject([{ action: 'create', outcome: 'failed', dataSourceName: 'new' }])
      await suite.fixture.changeRecord(id, { deleted: true })
      await suite.openCreate()
    })

    test('a refused attempt can be retried with the same intent and event', async () => {
      const id = await suite.add({ name: 'new' })
      const wanted = newCreate()
      await suite.records.beginCreate(suite.caller, wanted)
      await suite.fixture.changeRecord(id, { deleted: true })
      expect(await suite.records.beginCreate(suite.caller, wanted)).toMatchObject({ kind: 'begun' })
      recordOf(await suite.records.commitCreate(wanted.intentId, 'postgres'))
      expect((await suite.events()).map(({ outcome }) => outcome)).toEqual(['failed', 'done'])
    })

    test('commits the record, the event and the closed intent at once', async () => {
      const { intentId, id } = await suite.openCreate({ name: 'made', env: 'prod' })
      const record = recordOf(await suite.records.commitCreate(intentId, 'snowflake'))
      expect(record).toMatchObject({
        ...{
          id,
          secretId: id,
          organizationId: suite.organizationId,
          name: 'made',
          env: 'prod',
          type: 'snowflake',
          dataSets: [],
        },
        ...{ onboardingStatus: 'notStarted', onboardingError: null, createdBy: { id: suite.userId } },
      })
      expect(record.createdAt).toBe(record.updatedAt)
      expect(await suite.records.find(suite.caller, ref(id))).toEqual({ kind: 'found', record })
      expect(await suite.stateOf(intentId)).toEqual({ state: 'closed', outcome: 'done' })
      expect(await suite.events()).toEqual([
        {
          ...{
            organizationId: suite.organizationId,
            actorId: suite.userId,
            actorSource: 'a test',
            action: 'create',
            dataSourceId: id,
          },
          ...{ dataSourceName: 'made', outcome: 'done', fields: ['host'], before: null, settledBy: null },
          after: { name: 'made', env: 'prod' },
        },
      ])
    })

    test('a retried commit reports changed and does nothing', async () => {
      const { intentId } = await suite.openCreate()
      recordOf(await suite.records.commitCreate(intentId, 'postgres'))
      expect(await suite.records.commitCreate(intentId, 'postgres')).toEqual({ kind: 'changed' })
      expect(await suite.events()).toHaveLength(1)
    })

    test('a commit without an open intent does nothing', async () => {
      const undoing = await suite.openCreate()
      await suite.records.moveToUndoing(undoing.intentId)
      expect(await suite.records.commitCreate(undoing.intentId, 'postgres')).toEqual({ kind: 'changed' })
      await suite.records.close(closingIntent(undoing.intentId, { state: 'undoing' }))
      expect(await suite.records.commitCreate(undoing.intentId, 'postgres')).toEqual({ kind: 'changed' })
      expect(await suite.records.commitCreate(randomUUID(), 'postgres')).toEqual({ kind: 'changed' })
      expect(await suite.fixture.readRecord(undoing.id)).toBe(undefined)
    })

    test('a name taken by the application leaves the intent open', async () => {
      const { intentId, id } = await suite.openCreate()
      const taker = await suite.add({ name: 'new' })
      const taken = { kind: 'taken', id: taker, name: 'new', env: 'dev' }
      expect(await suite.records.commitCreate(intentId, 'postgres')).toEqual(taken)
      expect(await suite.stateOf(intentId)).toEqual({ state: 'open', outcome: null })
      expect(await suite.fixture.readRecord(id)).toBe(undefined)
      expect(await suite.events()).toEqual([])
      await suite.fixture.changeRecord(taker, { deleted: true })
      recordOf(await suite.records.commitCreate(intentId, 'postgres'))
    })
  })
}
