import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ALL, closingIntent, recordOf, ref } from './requests.ts'
import type { RecordsSuite } from './suite.ts'

/** `findName`, `findNamed` and `unsettledSince`, and which look-ups are audited. */
export function findNameTests(suite: RecordsSuite): void {
  test('a name is taken by a live record of the organization and env', async () => {
    const id = await suite.add({ name: 'taken', env: 'prod' })
    const free = (name: string, env: string) => suite.records.findName(suite.caller, { name, env })
    expect(await free('taken', 'prod')).toEqual({ kind: 'taken', id, name: 'taken', env: 'prod' })
    expect(await free('taken', 'dev')).toEqual({ kind: 'free' })
    await suite.fixture.changeRecord(id, { deleted: true })
    const other = await suite.fixture.addOrganization(`Other ${suite.organization}`)
    await suite.fixture.addRecord({ organizationId: other, name: 'taken', env: 'prod' })
    expect(await free('taken', 'prod')).toEqual({ kind: 'free' })
  })

  test('a name look-up audits only a create that fails with it', async () => {
    await suite.add({ name: 'taken', env: 'dev' })
    const look = (failsIfTaken: boolean, name: string) =>
      suite.records.findName(
        suite.caller,
        { name, env: 'dev' },
        { eventId: randomUUID(), action: 'create', failsIfTaken },
      )
    await suite.records.findName(suite.caller, { name: 'taken', env: 'dev' })
    await look(false, 'taken')
    await look(true, 'free')
    expect(await suite.events()).toEqual([])
    expect(await look(true, 'taken')).toMatchObject({ kind: 'taken' })
    const attempt = { eventId: randomUUID(), action: 'create', failsIfTaken: true } as const
    await suite.records.findName({ ...suite.caller, roles: [] }, { name: 'free', env: 'dev' }, attempt)
    const recorded = (await suite.events()).map(({ action, outcome, dataSourceName }) => [
      action,
      outcome,
      dataSourceName,
    ])
    expect(recorded).toEqual([
      ['create', 'failed', 'taken'],
      ['create', 'denied', 'free'],
    ])
  })

  test('a look-up for a command is audited once if denied, otherwise not', async () => {
    const [names, none] = [[{ name: 'x', env: 'dev' }], { ...suite.caller, roles: [] }]
    const apply = { eventId: randomUUID(), action: 'apply' } as const
    const test = { eventId: randomUUID(), action: 'test' } as const
    await suite.records.findNamed(suite.caller, names, apply)
    await suite.records.list(suite.caller, ALL, test)
    expect(await suite.events()).toEqual([])
    for (const _ of [1, 2]) {
      expect(await suite.records.findNamed(none, names, apply)).toMatchObject({ kind: 'denied' })
      expect(await suite.records.list(none, ALL, test)).toMatchObject({ kind: 'denied' })
    }
    const recorded = (await suite.events()).map(({ action, outcome, dataSourceName }) => [
      action,
      outcome,
      dataSourceName,
    ])
    expect(recorded).toEqual([
      ['apply', 'denied', null],
      ['test', 'denied', null],
    ])
  })

  test('a look-up is audited as done on request', async () => {
    const look = { eventId: randomUUID(), action: 'test', failsIfTaken: false, outcome: 'done' } as const
    expect(await suite.records.findName(suite.caller, { name: 'unsaved', env: 'dev' }, look)).toEqual({ kind: 'free' })
    expect(await suite.events()).toEqual([expect.objectContaining({ action: 'test', outcome: 'done' })])
  })

  test.each(['update', 'delete'] as const)(
    'a look-up for %s audits only a command that fails with it',
    async action => {
      const id = await suite.add({ name: 'there' })
      await suite.records.find(suite.caller, ref(id), { audit: `refused ${action}` })
      expect(await suite.events()).toEqual([])
      await suite.records.find(suite.caller, ref('nowhere'), { audit: `refused ${action}` })
      await suite.records.find({ ...suite.caller, roles: [] }, ref(id), { audit: `refused ${action}` })
      const recorded = (await suite.events()).map(({ action, outcome, dataSourceName }) => [
        action,
        outcome,
        dataSourceName,
      ])
      expect(recorded).toEqual([
        [action, 'failed', 'nowhere'],
        [action, 'denied', id],
      ])
    },
  )

  describe('findNamed', () => {
    const named = async (...names: [string, string][]) => {
      const asked = names.map(([name, env]) => ({ name, env }))
      const answer = await suite.records.findNamed(suite.caller, asked)
      if (answer.kind !== 'found') throw new Error('It was denied.')
      return answer.records.map(({ id, name, env }) => ({ id, name, env })).sort((a, b) => (a.env < b.env ? -1 : 1))
    }

    test('each name is found once, and only in its env', async () => {
      const dev = await suite.add({ name: 'both', env: 'dev' })
      const prod = await suite.add({ name: 'both', env: 'prod' })
      await suite.add({ name: 'crossed', env: 'dev' })
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

    test('deleted and other organizations’ records are not found', async () => {
      const deleted = await suite.add({ name: 'gone' })
      await suite.fixture.changeRecord(deleted, { deleted: true })
      const other = await suite.fixture.addOrganization(`Other ${suite.organization}`)
      await suite.fixture.addRecord({ organizationId: other, name: 'theirs' })
      expect(await named(['gone', 'dev'], ['theirs', 'dev'])).toEqual([])
    })

    test('a record is unsettled until its intent is closed', async () => {
      const id = await suite.add({ name: 'open' })
      await suite.add({ name: 'quiet' })
      const intentId = await suite.openUpdate(id)
      const asked = [
        { name: 'open', env: 'dev' },
        { name: 'quiet', env: 'dev' },
      ]
      expect(await suite.records.findNamed(suite.caller, asked)).toMatchObject({ records: [{}, {}], unsettled: [id] })
      await suite.records.close(closingIntent(intentId))
      expect(await suite.records.findNamed(suite.caller, asked)).toMatchObject({ records: [{}, {}], unsettled: [] })
    })

    test('a rolled-back intent counts as unsettled since, a done one does not', async () => {
      const ids = [
        await suite.add({ name: 'taken back' }),
        await suite.add({ name: 'done' }),
        await suite.add({ name: 'open' }),
      ]
      const [takenBack = '', changed = '', open = ''] = ids
      const asked = { name: 'taken back', env: 'dev' }
      const since = async () => {
        const found = await suite.records.findNamed(suite.caller, [asked])
        return found.kind === 'found' ? found.at : ''
      }
      const intents = [await suite.openUpdate(takenBack), await suite.openUpdate(changed), await suite.openUpdate(open)]
      const before = await since()
      await suite.records.close(closingIntent(intents[0] ?? ''))
      recordOf(await suite.records.commitUpdate(intents[1] ?? '', ['host']))
      expect([...(await suite.records.unsettledSince(ids, before))].sort()).toEqual([takenBack, open].sort())
      expect(await suite.records.unsettledSince(ids, await since())).toEqual([open])
      expect(await suite.records.unsettledSince([changed], before)).toEqual([])
    })

    test('a record is found with its secret id', async () => {
      const secretId = randomUUID()
      const id = await suite.add({ name: 'placed', secretId })
      const found = await suite.records.find(suite.caller, ref(id))
      const answer = await suite.records.findNamed(suite.caller, [{ name: 'placed', env: 'dev' }])
      const record = {
        id,
        secretId,
        organizationId: suite.organizationId,
        name: 'placed',
        type: 'postgres',
        env: 'dev',
      }
      expect(answer).toEqual({ kind: 'found', records: [record], unsettled: [], at: expect.any(String) })
      expect(found).toMatchObject({ kind: 'found', record })
    })
  })
}
