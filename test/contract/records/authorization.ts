import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Caller } from '../../../src/ports/caller.ts'
import { ALL, newCreate, newDelete, newUpdate, plainUpdate, READERS, ref } from './requests.ts'
import type { MemberState, RecordsSuite } from './suite.ts'

/** Who may run a statement. */
export function authorizationTests(suite: RecordsSuite): void {
  describe('authorization', () => {
    const asked = (as: Partial<Caller>) => suite.records.list({ ...suite.caller, roles: READERS, ...as }, ALL)
    const denial = async (as: Partial<Caller>) => {
      const answer = await asked(as)
      return answer.kind === 'denied' ? { reason: answer.reason, organizations: answer.organizations } : answer.kind
    }

    test('an address without a user is denied', async () => {
      expect(await denial({ email: 'nobody@example.com' })).toEqual({ reason: 'unknown user', organizations: [] })
    })

    test('ASCII case is ignored in an address', async () => {
      expect(await denial({ email: suite.caller.email.toUpperCase() })).toBe('page')
    })

    test('an address that matches two users is ambiguous, unless one matches exactly', async () => {
      await suite.fixture.addUser(suite.caller.email.toLowerCase())
      expect(await denial({ email: suite.caller.email.toUpperCase() })).toEqual({
        reason: 'ambiguous user',
        organizations: [],
      })
      expect(await denial({})).toBe('page')
    })

    test('an address with non-ASCII letters must match exactly', async () => {
      const email = `Élan${suite.unique}@example.com`
      await suite.fixture.addMember({
        userId: await suite.fixture.addUser(email),
        organizationId: suite.organizationId,
        role: 'viewer',
      })
      expect(await denial({ email })).toBe('page')
      expect(await denial({ email: email.toLowerCase() })).toMatchObject({ reason: 'unknown user' })
      expect(await denial({ email: `Person${suite.unique}@example.com`.replace('s', 'ſ') })).toMatchObject({
        reason: 'unknown user',
      })
    })

    test('a user without an active membership in a live organization is denied', async () => {
      const email = `idle${suite.unique}@example.com`
      const idle = await suite.fixture.addUser(email)
      const join = async (member: MemberState) => {
        const id = await suite.fixture.addOrganization(`Idle ${randomUUID()}`)
        await suite.fixture.addMember({ userId: idle, organizationId: id, role: 'workspace_admin', ...member })
        return id
      }
      expect(await denial({ email })).toEqual({ reason: 'no membership', organizations: [] })
      for (const status of ['inactive', 'pending', 'guest'] as const) await join({ status })
      await join({ deleted: true })
      await suite.fixture.deleteOrganization(await join({}))
      expect(await denial({ email })).toEqual({ reason: 'no membership', organizations: [] })
    })

    test('a member of several organizations must name one, by name or UUID', async () => {
      const other = await suite.fixture.addOrganization(`A ${suite.organization}`)
      await suite.fixture.addMember({ userId: suite.userId, organizationId: other, role: 'viewer' })
      const organizations = [`A ${suite.organization}`, suite.organization]
      expect(await denial({})).toEqual({ reason: 'several organizations', organizations })
      for (const named of [suite.organization, suite.organizationId, suite.organizationId.toUpperCase()])
        expect(await denial({ organization: named })).toBe('page')
    })

    test('an organization without membership is not found, even if it exists', async () => {
      const other = await suite.fixture.addOrganization(`Other ${suite.organization}`)
      const organizations = [suite.organization]
      for (const named of [`Other ${suite.organization}`, other, 'None', randomUUID()])
        expect(await denial({ organization: named })).toEqual({ reason: 'no such organization', organizations })
    })

    test('a role without permission is denied, and the denial names it', async () => {
      const answer = await asked({ roles: ['workspace_admin'] })
      expect(answer).toEqual({
        ...{ kind: 'denied', email: suite.caller.email, reason: 'role' },
        ...{ organizations: [suite.organization], role: 'data_admin', required: ['workspace_admin'] },
      })
    })

    test('a denied statement changes nothing and is audited', async () => {
      const id = await suite.add({ name: 'kept' })
      const viewer = { ...suite.caller, roles: ['workspace_admin'] as const }
      const [create, update, remove] = [newCreate(), newUpdate(id), newDelete(id)]
      const answers = [
        await suite.records.list(viewer, ALL),
        await suite.records.find(viewer, ref(id), { audit: 'get' }),
        await suite.records.findName(viewer, { name: 'kept', env: 'dev' }),
        await suite.records.findNamed(viewer, [{ name: 'kept', env: 'dev' }]),
        await suite.records.beginCreate(viewer, create),
        await suite.records.updatePlain(viewer, plainUpdate(id, { name: 'renamed' })),
        await suite.records.beginUpdate(viewer, update),
        await suite.records.beginDelete(viewer, remove),
      ]
      for (const answer of answers) expect(answer).toMatchObject({ kind: 'denied', reason: 'role' })
      expect(await suite.fixture.readRecord(id)).toEqual({ name: 'kept', env: 'dev', deleted: false })
      for (const { intentId } of [create, update, remove])
        expect(await suite.records.findIntent(intentId)).toBe(undefined)
      const recorded = (await suite.events()).map(({ action, outcome, dataSourceName }) => [
        action,
        outcome,
        dataSourceName,
      ])
      expect(recorded).toEqual([
        ['get', 'denied', id],
        ['create', 'denied', 'new'],
        ['update', 'denied', id],
        ['update', 'denied', id],
        ['delete', 'denied', id],
      ])
    })

    test('a repeated denial is audited once, with the user and organization', async () => {
      const create = newCreate()
      const viewer = { ...suite.caller, roles: [] }
      for (let i = 0; i < 2; i++) await suite.records.beginCreate(viewer, create)
      expect(await suite.events()).toEqual([
        {
          ...{
            organizationId: suite.organizationId,
            actorId: suite.userId,
            actorSource: 'a test',
            action: 'create',
            dataSourceId: null,
          },
          ...{ dataSourceName: 'new', outcome: 'denied', fields: ['host'], before: null, after: null },
          settledBy: null,
        },
      ])
    })

    test('the denial of an unknown user is audited without an organization', async () => {
      const email = `stranger${suite.unique}@example.com`
      await suite.records.beginCreate({ ...suite.caller, email }, newCreate())
      expect(await suite.fixture.events(email)).toMatchObject([
        { organizationId: null, actorId: null, outcome: 'denied' },
      ])
    })
  })
}
