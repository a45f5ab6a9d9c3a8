import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALL_CASES } from '../support/all-cases.ts'
import { diagnose } from '../support/doctor.ts'
import { createEmbeddedSite } from '../support/embedded-site.ts'
import { plainFields, plainStored } from '../support/examples.ts'
import { addIntent, type Intent } from '../support/intents.ts'
import { creation } from '../support/requests.ts'
import { json } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { eventsOf, everythingIn, openIntentsIn } from '../support/stored.ts'

// Each way in which the two stores can disagree, created from outside: what doctor reports, and what --fix changes.

const CHECKS = [
  ...['privileges', 'migrations', 'indexes', 'vault', 'token', 'versions', 'pending', 'credentials', 'leftovers'],
  ...['deleted records', 'unknown secrets'],
]
const HEALTHY = { code: 0, wrong: [] }
const request = (name: string) => ({ name, env: 'dev', type: 'postgres', ...plainFields })
const pathOf = (id: string) => `data-sources/${id}`

async function createIn(site: Site, name: string = randomUUID()): Promise<string> {
  const { args, stdin } = creation(request(name))
  return json(await site.dsctl(args, { stdin })).id
}

/** Both stores without the audit trail, which records doctor's own work. */
async function contentsOf(at: Site) {
  const { events: _, ...stores } = await everythingIn(at)
  return stores
}

describe('doctor', () => {
  let site: Site
  beforeAll(async () => {
    site = await createSite()
  })
  afterAll(() => site?.drop())

  const write = (id: string, data: Record<string, unknown> = plainStored) => site.vault.writeSecret(pathOf(id), data)
  const secretAt = async (id: string) => (await site.vault.readSecret(pathOf(id)))?.data
  const secretExists = async (id: string) => (await site.vault.listSecrets('data-sources')).includes(id)
  const create = (name?: string) => createIn(site, name)
  const contents = () => contentsOf(site)
  /** Removes a secret as a user outside dsctl may do. */
  const removeSecret = (id: string) => site.vault.request('DELETE', `${site.vault.mount}/metadata/${pathOf(id)}`)

  async function expectHealthy(): Promise<void> {
    expect(await diagnose(site, ['--deep'])).toMatchObject(HEALTHY)
  }

  test('finds no problem in what dsctl created, lists its checks, changes nothing', async () => {
    await create()
    const before = await contents()
    for (const args of [[], ['--fix']]) {
      const well = await diagnose(site, args)
      expect(well).toMatchObject(HEALTHY)
      expect(well.findings.map(({ check }) => check)).toEqual(CHECKS)
      expect(well.findings.filter(({ fix, items }) => fix !== null || items.length)).toEqual([])
    }
    expect((await diagnose(site, ['--deep'])).of('secrets').message).toBe(
      'All secrets are valid for their types (1 secret).',
    )
    expect(await contents()).toEqual(before)
  })

  test('prints a table with the fixes, and exits 8 if there is a problem', async () => {
    const id = await site.addDataSource({ name: 'Bare' })
    const { code, stdout, stderr } = await site.dsctl(['doctor'])
    expect({ code, stderr }).toEqual({
      code: 8,
      stderr: expect.stringMatching(/^dsctl: 1 of \d+ checks found a problem/),
    })
    expect(stdout).toMatch(/credentials +problem +1 live record without a secret: Bare \(dev\)\. Run dsctl\s+update ID/)
    await site.database.query('DELETE FROM data_sources WHERE id = $1', [id])
  })

  test('a record without a secret is a problem that an update repairs', async () => {
    const id = await create('Lost its secret')
    await removeSecret(id)
    for (const args of [[], ['--fix'], ['--deep']]) {
      const found = await diagnose(site, args)
      expect(found).toMatchObject({ code: 8, wrong: ['credentials: problem'] })
      expect(found.of('credentials')).toMatchObject({ items: [id], fix: expect.stringContaining('dsctl update') })
      expect(found.of('credentials').message).toContain('Lost its secret (dev)')
    }
    const repaired = await site.dsctl(['update', id, '-f', '-'], { stdin: JSON.stringify(plainFields) })
    expect(repaired, repaired.stderr).toMatchObject({ code: 0 })
    await expectHealthy()
  })

  test('a long list is shortened in the message and complete in JSON', async () => {
    const ids = []
    for (let n = 0; n < 8; n++) ids.push(await site.addDataSource({ name: `Many ${n}` }))
    const { items, message } = (await diagnose(site)).of('credentials')
    expect([...items].sort()).toEqual(ids.sort())
    expect(message).toContain('; and 3 more (-o json lists all)')
    await site.database.query(`DELETE FROM data_sources WHERE name LIKE 'Many %'`)
  })

  test('a secret without a record is a warning, and never removed', async () => {
    const id = randomUUID()
    await write(id)
    for (const args of [[], ['--fix'], ['--fix', '--deep']]) {
      const found = await diagnose(site, args)
      expect(found).toMatchObject({ code: 0, wrong: ['unknown secrets: warning'] })
      expect(found.of('unknown secrets')).toMatchObject({ items: [id], message: expect.stringContaining(id) })
    }
    expect(await secretAt(id)).toEqual(plainStored)
    await removeSecret(id)
    await expectHealthy()
  })

  test('a row deleted outside dsctl leaves an unknown secret, which stays', async () => {
    const id = await create()
    await site.database.query('DELETE FROM data_sources WHERE id = $1', [id])
    const found = await diagnose(site, ['--fix'])
    expect(found).toMatchObject({ code: 0, wrong: ['unknown secrets: warning'] })
    expect(await secretExists(id)).toBe(true)
    await removeSecret(id)
  })

  test('a record the application soft-deleted is a warning; its secret stays', async () => {
    const id = await create()
    await site.database.query('UPDATE data_sources SET deleted_at = now() WHERE id = $1', [id])
    const found = await diagnose(site, ['--fix'])
    expect(found).toMatchObject({ code: 0, wrong: ['deleted records: warning'] })
    expect(found.of('deleted records').items).toEqual([id])
    await site.database.query('UPDATE data_sources SET deleted_at = NULL WHERE id = $1', [id])
    await expectHealthy()
  })

  describe('after a crash', () => {
    const NONE: Record<string, unknown> | undefined = undefined
    const base = { ...plainStored, host: 'before' }
    const states = ['open', 'undoing'] as const

    async function expectSettled(intent: Omit<Intent, 'id'> & { id: string }, audited: string): Promise<void> {
      const name = intent.name ?? `of ${intent.id}`
      await addIntent(site, intent)
      const before = await contents()
      const found = await diagnose(site)
      expect(found).toMatchObject({ code: 8, wrong: ['pending: problem'] })
      expect(found.of('pending')).toMatchObject({ items: [intent.id], fix: 'dsctl doctor --fix' })
      expect(found.of('pending').message).toContain(`${intent.kind} of ${name} by ${site.admin.email}`)
      expect(await contents()).toEqual(before)
      const fixed = await diagnose(site, ['--fix'])
      expect(fixed).toMatchObject(HEALTHY)
      expect(fixed.of('pending')).toMatchObject({ message: 'Settled 1 unfinished operation.', items: [intent.id] })
      expect(await openIntentsIn(site)).toEqual([])
      await expectHealthy()
      const events = await eventsOf(site, 'data_source_id = $1 AND settled_by IS NOT NULL', [intent.id])
      expect(events.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual(audited ? [audited] : [])
    }

    test.each(states)('the secret of a create, %s, is removed', async state => {
      const id = randomUUID()
      await write(id)
      await expectSettled({ kind: 'create', state, id }, 'create failed')
      expect(await secretExists(id)).toBe(false)
    })

    test.each(states)('an update, %s, that has read nothing leaves the secret unchanged', async state => {
      const id = await create()
      await expectSettled({ kind: 'update', state, id }, 'update failed')
      expect(await secretAt(id)).toEqual(plainStored)
    })

    test.each(states)('an update, %s, that has written is rolled back', async state => {
      const id = await create()
      await write(id, base)
      await write(id, { ...plainStored, host: 'after' })
      await expectSettled({ kind: 'update', state, id, baseVersion: 2 }, 'update failed')
      expect(await secretAt(id)).toEqual(base)
    })

    test.each(states)('the repair of a missing secret, %s, is rolled back', async state => {
      const id = await create()
      await removeSecret(id)
      await write(id)
      await addIntent(site, { kind: 'update', state, id, baseVersion: 0 })
      await diagnose(site, ['--fix'])
      expect(await secretAt(id)).toEqual(NONE)
      expect(await openIntentsIn(site)).toEqual([])
      const found = await diagnose(site, ['--deep'])
      expect(found).toMatchObject({ code: 8, wrong: ['secrets: problem'] })
      expect(found.of('secrets')).toMatchObject({ items: [id], message: expect.stringContaining('deleted') })
      expect((await site.dsctl(['delete', id, '--yes'])).code).toBe(0)
    })

    test('the secret of a delete is removed', async () => {
      const id = await create()
      await site.database.query('UPDATE data_sources SET deleted_at = now() WHERE id = $1', [id])
      await expectSettled({ kind: 'delete', state: 'open', id }, '')
      expect(await secretExists(id)).toBe(false)
    })

    test('an overwritten update has an unknown outcome, and nothing is changed', async () => {
      const id = await create('Written over')
      for (const host of ['a', 'b', 'c']) await write(id, { ...plainStored, host })
      await addIntent(site, { kind: 'update', state: 'undoing', id, name: 'Written over', baseVersion: 1 })
      const fixed = await diagnose(site, ['--fix'])
      expect(fixed).toMatchObject({ code: 0, wrong: ['pending: warning'] })
      expect(fixed.of('pending')).toMatchObject({ items: [id], message: expect.stringContaining('Written over') })
      expect(fixed.of('pending').message).toMatch(/The outcome of 1 is unknown/)
      expect(await secretAt(id)).toMatchObject({ host: 'c' })
      expect(await eventsOf(site, `data_source_id = $1 AND outcome = 'unknown'`, [id])).toHaveLength(1)
      await expectHealthy()
    })

    test('operations under way are reported and left alone', async () => {
      const [id, updated] = [randomUUID(), await create()]
      await write(id)
      await addIntent(site, { kind: 'create', state: 'open', id, underWay: true })
      await addIntent(site, { kind: 'update', state: 'open', id: updated, underWay: true })
      const before = await contents()
      for (const args of [[], ['--fix']]) {
        const found = await diagnose(site, args)
        expect(found).toMatchObject(HEALTHY)
        expect(found.of('pending').message).toMatch(
          /^There are no unfinished operations\. 2 in progress: \w+ of .+ by .+, left alone until \d{4}-\d\d-\d\dT[^;]+; .*Z\.$/,
        )
      }
      expect(await contents()).toEqual(before)
      await site.database.query(`UPDATE dsctl.pending_operations SET expires_at = now() WHERE state <> 'closed'`)
      expect(await diagnose(site, ['--fix'])).toMatchObject(HEALTHY)
    })

    test.each([
      ['a rolled-back create', 'create', 'none'],
      ['a delete', 'delete', 'done'],
    ] as const)('a late write at the ID of %s is a problem, and removed', async (_, kind, outcome) => {
      const id = randomUUID()
      await addIntent(site, { kind, state: 'closed', outcome, id })
      await write(id)
      const found = await diagnose(site)
      expect(found).toMatchObject({ code: 8, wrong: ['leftovers: problem'] })
      expect(found.of('leftovers')).toMatchObject({ items: [id], fix: 'dsctl doctor --fix' })
      expect(await secretExists(id)).toBe(true)
      const fixed = await diagnose(site, ['--fix'])
      expect(fixed).toMatchObject(HEALTHY)
      expect(fixed.of('leftovers')).toMatchObject({ items: [id], message: expect.stringContaining('Removed 1 secret') })
      expect(await secretExists(id)).toBe(false)
      await expectHealthy()
    })

    test('the secret stays if the application restored a deleted record', async () => {
      const id = await create()
      await addIntent(site, { kind: 'delete', state: 'closed', id })
      expect(await diagnose(site, ['--fix', '--deep'])).toMatchObject(HEALTHY)
      expect(await secretAt(id)).toEqual(plainStored)
    })

    test('intents closed over a month ago are removed, and later ones stay', async () => {
      const [old, young] = [randomUUID(), randomUUID()]
      await addIntent(site, { kind: 'create', state: 'closed', outcome: 'none', id: old, closedAgo: '31 days' })
      await addIntent(site, { kind: 'create', state: 'closed', outcome: 'none', id: young, closedAgo: '29 days' })
      const kept = async () => {
        const { intents } = await everythingIn(site)
        return [old, young].map(id => intents.some(({ data_source_id }) => data_source_id === id))
      }
      await diagnose(site)
      expect(await kept()).toEqual([true, true])
      await diagnose(site, ['--fix'])
      expect(await kept()).toEqual([false, true])
    })
  })

  test('--deep checks each secret without changing it or printing its content', async () => {
    const CANARY = 'canary-doctor-5b1c'
    const wrong: Record<string, Record<string, unknown>> = {
      'No host': { ...plainStored, host: undefined, password: CANARY },
      'Bad port': { ...plainStored, port: 'many', password: CANARY },
      'Bad password': { ...plainStored, password: `${CANARY}\nand more` },
      'Of another type': { ...plainStored, type: 'mysql', password: CANARY },
      Empty: {},
    }
    const ids: Record<string, string> = {}
    for (const [name, data] of Object.entries(wrong)) {
      ids[name] = await create(name)
      await write(String(ids[name]), data)
    }
    expect(await diagnose(site, ['--fix'])).toMatchObject(HEALTHY)
    const found = await diagnose(site, ['--deep', '--fix'])
    expect(found).toMatchObject({ code: 8, wrong: ['secrets: problem'] })
    const { items, message } = found.of('secrets')
    expect([...items].sort()).toEqual(Object.values(ids).sort())
    for (const text of ['No host (dev), host is required', 'Empty (dev), empty', 'Bad port (dev), port must be']) {
      expect(message).toContain(text)
    }
    expect(message).toContain('Of another type (dev), its type is mysql, but must be postgres')
    expect(JSON.stringify(found.findings)).not.toContain(CANARY)
    expect((await site.dsctl(['doctor', '--deep'])).stdout).not.toContain(CANARY)
    expect(await secretAt(String(ids['No host']))).toMatchObject({ password: CANARY })
    for (const id of Object.values(ids)) expect((await site.dsctl(['delete', id, '--yes'])).code).toBe(0)
    await expectHealthy()
  })

  test('a secret with unknown keys or aliases is healthy', async () => {
    const id = await create()
    const { default_database, ...others } = plainStored
    await write(id, { ...others, database: default_database, of_the_application: { a: 1 } })
    await expectHealthy()
  })

  test('another organization’s data is neither reported nor changed', async () => {
    const organizationId = await site.addOrganization('Globex')
    const bare = await site.addDataSource({ name: 'Theirs', organizationId })
    const [expired, late, deleted] = [randomUUID(), randomUUID(), randomUUID()]
    for (const id of [expired, late]) await write(id)
    await addIntent(site, { kind: 'create', state: 'open', id: expired, organizationId })
    await addIntent(site, { kind: 'create', state: 'closed', outcome: 'none', id: late, organizationId })
    const old = { kind: 'create', state: 'closed', outcome: 'none', closedAgo: '40 days' } as const
    await addIntent(site, { ...old, id: randomUUID(), organizationId })
    await site.database.query(
      `INSERT INTO data_sources (id, secret_id, name, type, env, organization_id, created_by, updated_by, deleted_at)
       VALUES ($1, $1, 'Deleted', 'postgres', 'dev', $2, $3, $3, now())`,
      [deleted, organizationId, site.admin.id],
    )
    await write(deleted)
    const before = await contents()
    for (const args of [[], ['--fix', '--deep']]) {
      const found = await diagnose(site, args)
      expect(found).toMatchObject(HEALTHY)
      for (const id of [bare, expired, late, deleted]) expect(JSON.stringify(found.findings)).not.toContain(id)
    }
    expect(await contents()).toEqual(before)
  })
})

/** Each command opens its own database, which is slow on a busy machine. */
const SLOW = 240_000

describe.runIf(ALL_CASES)('doctor on the embedded profile', () => {
  test(
    'reports the same problems and fixes what it may',
    async () => {
      const site = await createEmbeddedSite()
      const write = (id: string, data: Record<string, unknown> = plainStored) =>
        site.vault.writeSecret(pathOf(id), data)
      const [lost, empty, deleted, well] = [
        await createIn(site),
        await createIn(site),
        await createIn(site),
        await createIn(site),
      ]
      const [stray, late, unfinished] = [randomUUID(), randomUUID(), randomUUID()]
      rmSync(join(String(site.env.DSCTL_HOME), 'secrets', `${lost}.age`))
      await write(empty, {})
      await site.database.query('UPDATE data_sources SET deleted_at = now() WHERE id = $1', [deleted])
      for (const id of [stray, late, unfinished]) await write(id)
      await addIntent(site, { kind: 'create', state: 'closed', outcome: 'none', id: late })
      await addIntent(site, { kind: 'create', state: 'open', id: unfinished })
      const before = await contentsOf(site)
      const rest = ['credentials: problem', 'secrets: problem', 'deleted records: warning', 'unknown secrets: warning']
      const all = ['pending: problem', ...rest.slice(0, 2), 'leftovers: problem', ...rest.slice(2)]
      const items = { credentials: [lost], secrets: [empty], 'deleted records': [deleted], 'unknown secrets': [stray] }
      const found = await diagnose(site, ['--deep'])
      expect(found).toMatchObject({ code: 8, wrong: all })
      for (const [check, ids] of Object.entries({ ...items, pending: [unfinished], leftovers: [late] })) {
        expect(found.of(check).items).toEqual(ids)
      }
      expect(found.findings.map(({ check }) => check)).not.toContain('token')
      expect(await contentsOf(site)).toEqual(before)
      for (const args of [['--deep', '--fix'], ['--deep']]) {
        const fixed = await diagnose(site, args)
        expect(fixed).toMatchObject({ code: 8, wrong: rest })
        for (const [check, ids] of Object.entries(items)) expect(fixed.of(check).items).toEqual(ids)
      }
      expect((await site.vault.listSecrets('')).sort()).toEqual([empty, deleted, well, stray].sort())
      expect(await openIntentsIn(site)).toEqual([])
    },
    SLOW,
  )
})
