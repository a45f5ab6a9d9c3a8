import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ref } from './requests.ts'
import type { RecordsSuite } from './suite.ts'

/** `find`, by UUID and by name. */
export function findTests(suite: RecordsSuite): void {
  describe('find', () => {
    const found = async (text: string, env?: string) => suite.records.find(suite.caller, ref(text, env))

    test('a UUID finds its record even if another record has it as name', async () => {
      const id = await suite.add({ name: 'itself', env: 'dev' })
      await suite.add({ name: id, env: 'prod' })
      const namedSo = await suite.add({ name: id.toUpperCase(), env: 'dev' })
      for (const text of [id, id.toUpperCase()]) {
        expect(await found(text)).toMatchObject({ kind: 'found', record: { id, name: 'itself' } })
      }
      const change = { eventId: randomUUID(), ref: ref(id), name: undefined, env: 'stage' }
      expect(await suite.records.updatePlain(suite.caller, change)).toMatchObject({ kind: 'done', record: { id } })
      expect(await found(namedSo)).toMatchObject({ kind: 'found', record: { name: id.toUpperCase() } })
      await suite.records.beginDelete(suite.caller, { intentId: randomUUID(), ref: ref(id), lease: 1000 })
      expect(await found(id)).toMatchObject({ kind: 'found', record: { name: id, env: 'prod' } })
    })

    test('a record is found by UUID in any case and by name', async () => {
      const updatedAt = new Date('2025-03-24T00:00:00.123Z')
      const secretId = randomUUID()
      const id = await suite.add({
        name: 'found',
        env: 'prod',
        type: 'mysql',
        secretId,
        createdBy: suite.userId,
        updatedAt,
      })
      for (const name of ['b', 'a'])
        await suite.fixture.addDataSet({ dataSourceId: id, organizationId: suite.organizationId, name, deleted: false })
      await suite.fixture.addDataSet({
        dataSourceId: id,
        organizationId: suite.organizationId,
        name: 'deleted',
        deleted: true,
      })
      for (const text of [id, id.toUpperCase(), 'found']) {
        const answer = await found(text)
        expect(answer).toMatchObject({ kind: 'found' })
        expect(answer.kind === 'found' && answer.record).toEqual({
          ...{
            id,
            secretId,
            organizationId: suite.organizationId,
            name: 'found',
            type: 'mysql',
            env: 'prod',
            onboardingError: null,
          },
          ...{ onboardingStatus: 'notStarted', createdAt: expect.any(String), updatedAt: '2025-03-24T00:00:00.123Z' },
          createdBy: { id: suite.userId, email: suite.caller.email, name: null },
          dataSets: [
            { id: expect.any(String), name: 'a' },
            { id: expect.any(String), name: 'b' },
          ],
        })
      }
    })

    test('deleted, unknown and other organizations’ records are not found', async () => {
      const deleted = await suite.add({ name: 'gone' })
      await suite.fixture.changeRecord(deleted, { deleted: true })
      const other = await suite.fixture.addOrganization(`Other ${suite.organization}`)
      const theirs = await suite.fixture.addRecord({ organizationId: other, name: 'theirs' })
      for (const text of [deleted, 'gone', theirs, 'theirs', randomUUID(), 'none'])
        expect(await found(text)).toEqual({ kind: 'not found' })
    })

    test('a name in several envs is ambiguous unless the env is given', async () => {
      const prod = await suite.add({ name: 'twice', env: 'prod' })
      const dev = await suite.add({ name: 'twice', env: 'dev' })
      const candidates = [
        { id: dev, name: 'twice', env: 'dev' },
        { id: prod, name: 'twice', env: 'prod' },
      ]
      expect(await found('twice')).toEqual({ kind: 'ambiguous', candidates })
      expect(await found('twice', 'prod')).toMatchObject({ kind: 'found', record: { id: prod } })
      expect(await found('twice', 'test')).toEqual({ kind: 'not found' })
      expect(await found(dev, 'prod')).toEqual({ kind: 'not found' })
    })

    test('a name must match exactly', async () => {
      await suite.add({ name: 'Case' })
      for (const text of ['case', 'Cas', 'Case ', '%', '_ase']) expect(await found(text)).toEqual({ kind: 'not found' })
    })

    test('a read is audited on request, as failed if it finds nothing', async () => {
      const id = await suite.add({ name: 'read' })
      await suite.records.find(suite.caller, ref('read'), { audit: 'get' })
      await suite.records.find(suite.caller, ref('none'), { audit: 'get' })
      await suite.records.find(suite.caller, ref('read'))
      const who = { organizationId: suite.organizationId, actorId: suite.userId, action: 'get' }
      expect(await suite.events()).toMatchObject([
        { ...who, outcome: 'done', dataSourceId: id, dataSourceName: 'read' },
        { ...who, outcome: 'failed', dataSourceId: null, dataSourceName: 'none' },
      ])
    })
  })
}
