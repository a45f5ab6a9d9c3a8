import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApplicationSite, applicationSite } from '../support/application.ts'
import { json, jsonError } from '../support/run.ts'
import { ADMIN, createSite, type Site } from '../support/site.ts'
import { eventsOf } from '../support/stored.ts'
import { terminal } from '../support/terminal.ts'

let acme: Site

beforeAll(async () => {
  acme = await createSite(['members'])
})

afterAll(() => acme?.drop())

async function rolesOf({ database }: Pick<Site, 'database'>): Promise<Record<string, string>> {
  const rows = await database.query(
    `SELECT u.email, m.role FROM users_to_organizations m JOIN users u ON u.id = m.user_id
     WHERE m.deleted_at IS NULL AND m.status = 'active' ORDER BY u.email`,
  )
  return Object.fromEntries(rows.map(({ email, role }) => [email, role]))
}

describe('On a database set up by dsctl, member', () => {
  test('adds an unknown user, and records it in the audit trail', async () => {
    const added = json(
      await acme.dsctl(['member', 'add', 'bob@example.com', '--role', 'viewer', '--name', 'Bob', '-o', 'json']),
    )
    expect(added).toEqual({
      ...{ id: expect.any(String), email: 'bob@example.com' },
      ...{ name: 'Bob', role: 'viewer', status: 'active' },
    })
    expect(await rolesOf(acme)).toEqual({ [ADMIN]: 'workspace_admin', 'bob@example.com': 'viewer' })
    expect(await eventsOf(acme, `action = 'member add'`)).toEqual([
      expect.objectContaining({
        ...{ outcome: 'done', actor_email: ADMIN, name: null, before: null },
        after: { email: 'bob@example.com', role: 'viewer' },
      }),
    ])
  })

  test('lists every current member, for any member', async () => {
    const viewer = await acme.addPerson({ email: 'violet@example.com', role: 'viewer' })
    const pending = await acme.addUser('zoe@example.com')
    await acme.addMember(pending, acme.organization.id, { role: 'querier', status: 'pending' })
    const listed = json(await acme.dsctl(['member', 'list', '-o', 'json'], { env: viewer.env }))
    expect(listed).toContainEqual({
      ...{ id: pending, email: 'zoe@example.com', name: 'zoe', role: 'querier', status: 'pending' },
    })
    expect(listed.map(({ email }: { email: string }) => email)).toContain(ADMIN)
    expect((await acme.dsctl(['member', 'list', '-o', 'id'])).stdout.split('\n')).toContain(pending)
  })

  test('activates a pending member with the given role', async () => {
    await acme.addMember(await acme.addUser('penny@example.com'), acme.organization.id, {
      ...{ role: 'querier', status: 'pending' },
    })
    expect(await acme.dsctl(['member', 'add', 'penny@example.com', '--role', 'viewer'])).toMatchObject({ code: 0 })
    expect(await rolesOf(acme)).toMatchObject({ 'penny@example.com': 'viewer' })
  })

  test('rejects an address that is already a member, ignoring case', async () => {
    await acme.addPerson({ email: 'Carol@example.com', role: 'viewer' })
    const again = await acme.dsctl(['member', 'add', 'carol@EXAMPLE.com', '--role', 'data_admin', '-o', 'json'])
    expect(jsonError(again)).toMatchObject({ exit_code: 6, code: 'conflict' })
    expect(await rolesOf(acme)).toMatchObject({ 'Carol@example.com': 'viewer' })
    expect(await eventsOf(acme, `action = 'member add' AND outcome = 'failed'`)).toHaveLength(1)
  })

  test('changes a role, and reports if nothing changes', async () => {
    await acme.addPerson({ email: 'dan@example.com', role: 'viewer' })
    const args = ['member', 'set-role', 'dan@example.com', 'data_admin']
    expect((await acme.dsctl(args)).code).toBe(0)
    const again = await acme.dsctl(args)
    expect(again).toMatchObject({ code: 0, stderr: 'No changes: already up to date.\n' })
    expect(await rolesOf(acme)).toMatchObject({ 'dan@example.com': 'data_admin' })
    expect(await eventsOf(acme, `action = 'member set-role'`)).toEqual([
      expect.objectContaining({
        ...{ outcome: 'done', before: { email: 'dan@example.com', role: 'viewer' } },
        after: { email: 'dan@example.com', role: 'data_admin' },
      }),
    ])
  })

  test('removes a member, whose commands then fail, and adds them again', async () => {
    const eve = await acme.addPerson({ email: 'eve@example.com', role: 'data_admin' })
    expect(await acme.dsctl(['member', 'remove', 'eve@example.com', '--yes'])).toMatchObject({
      ...{ code: 0, stdout: '', stderr: 'Removed eve@example.com.\n' },
    })
    expect((await acme.dsctl(['list'], { env: eve.env })).code).toBe(4)
    expect((await acme.dsctl(['member', 'remove', 'eve@example.com', '--yes'])).code).toBe(5)
    expect((await acme.dsctl(['member', 'add', 'eve@example.com', '--role', 'viewer'])).code).toBe(0)
    expect((await acme.dsctl(['list'], { env: eve.env })).code).toBe(0)
  })

  test('asks before it removes a member, or needs --yes', async () => {
    await acme.addPerson({ email: 'gil@example.com', role: 'viewer' })
    const remove = ['member', 'remove', 'gil@example.com']
    expect(jsonError(await acme.dsctl([...remove, '-o', 'json']))).toMatchObject({
      exit_code: 2,
      message: 'gil@example.com would lose access, and there is no terminal to confirm.',
      hint: 'Pass --yes.',
    })
    for (const [keys, code] of [
      ['\n', 130],
      ['\u0003', 130],
      ['y\n', 0],
    ] as const) {
      expect(await rolesOf(acme)).toHaveProperty(['gil@example.com'], 'viewer')
      const screen = terminal(remove, { home: acme.home, env: acme.env })
      await screen.waitFor('Remove gil@example.com from the organization?')
      screen.type(keys)
      expect(await screen.exit, screen.text()).toMatchObject({ code })
    }
    expect(await rolesOf(acme)).not.toHaveProperty(['gil@example.com'])
  })

  test('requires a workspace_admin, and records attempts by others', async () => {
    const frank = await acme.addPerson({ email: 'frank@example.com', role: 'data_admin' })
    const attempts = [
      ['add', 'new@example.com', '--role', 'workspace_admin'],
      ['set-role', 'frank@example.com', 'workspace_admin'],
      ['remove', ADMIN, '--yes'],
    ]
    for (const args of attempts) expect((await acme.dsctl(['member', ...args], { env: frank.env })).code).toBe(4)
    expect(await rolesOf(acme)).toMatchObject({ [ADMIN]: 'workspace_admin', 'frank@example.com': 'data_admin' })
    const denied = await eventsOf(acme, `outcome = 'denied' AND actor_email = 'frank@example.com'`)
    expect(denied.map(({ action, after }) => [action, after.email])).toEqual([
      ['member add', 'new@example.com'],
      ['member set-role', 'frank@example.com'],
      ['member remove', ADMIN],
    ])
  })

  test('reports every problem of a request at once', async () => {
    const error = jsonError(await acme.dsctl(['member', 'set-role', 'nobody', 'king', '-o', 'json']))
    expect(error.exit_code).toBe(2)
    expect(error.fields?.map(({ field }) => field)).toEqual(['email', 'role'])
  })

  test('cannot change members of another organization', async () => {
    const globex = await acme.addOrganization('Globex')
    await acme.addMember(await acme.addUser('greta@globex.example'), globex, { role: 'viewer' })
    const errors = await Promise.all(
      ['greta@globex.example', 'nobody@globex.example'].map(email =>
        acme.dsctl(['member', 'remove', email, '--yes', '-o', 'json']).then(jsonError),
      ),
    )
    expect(errors.map(({ code }) => code)).toEqual(['not_found', 'not_found'])
    expect(errors[0]?.message.replace('greta', 'nobody')).toBe(errors[1]?.message)
  })
})

describe('The last workspace_admin', () => {
  let initech: string
  let admin: Awaited<ReturnType<Site['addPerson']>>
  let other: Awaited<ReturnType<Site['addPerson']>>
  const inInitech = (args: readonly string[]) => ['member', ...args, '--org', 'Initech', '-o', 'json']

  beforeAll(async () => {
    initech = await acme.addOrganization('Initech')
    admin = await acme.addPerson({ email: 'ida@example.com' })
    other = await acme.addPerson({ email: 'otto@example.com' })
    await acme.addMember(admin.id, initech, { role: 'workspace_admin' })
    await acme.addMember(other.id, initech, { role: 'workspace_admin', status: 'inactive' })
  })

  test('cannot be removed or demoted; inactive ones do not count', async () => {
    for (const args of [
      ['remove', 'ida@example.com', '--yes'],
      ['set-role', 'ida@example.com', 'viewer'],
    ]) {
      expect(jsonError(await acme.dsctl(inInitech(args), { env: admin.env }))).toMatchObject({ exit_code: 6 })
    }
    expect((await acme.dsctl(inInitech(['set-role', 'ida@example.com', 'workspace_admin']), admin)).code).toBe(0)
  })

  test('remains if two admins demote each other at the same time', async () => {
    const setStatus = `UPDATE users_to_organizations SET role = 'workspace_admin', status = 'active', deleted_at = NULL
      WHERE organization_id = $1`
    for (let round = 0; round < 4; round++) {
      await acme.database.query(setStatus, [initech])
      const codes = await Promise.all([
        acme.dsctl(inInitech(['set-role', 'otto@example.com', 'viewer']), { env: admin.env }),
        acme.dsctl(inInitech(['remove', 'ida@example.com', '--yes']), { env: other.env }),
      ]).then(results => results.map(({ code }) => code).sort())
      const admins = await acme.database.query(
        `SELECT FROM users_to_organizations
         WHERE organization_id = $1 AND role = 'workspace_admin' AND status = 'active' AND deleted_at IS NULL`,
        [initech],
      )
      expect({ admins: admins.length, codes }).toEqual({ admins: 1, codes: [0, 4] })
    }
  })
})

describe('On an application’s database, member', () => {
  let shop: ApplicationSite

  beforeAll(async () => {
    shop = await applicationSite({
      after: `INSERT INTO users (id, email, auth_subject) VALUES (gen_random_uuid(), 'hugo@example.com', 'y')`,
    })
    expect((await shop.init()).code).toBe(0)
  })

  afterAll(() => shop?.drop())

  test('lists members, and refuses every change without --force', async () => {
    expect(json(await shop.dsctl(['member', 'list', '-o', 'json']))).toHaveLength(1)
    for (const args of [
      ['add', 'hugo@example.com', '--role', 'viewer'],
      ['set-role', 'admin@example.com', 'viewer'],
      ['remove', 'admin@example.com', '--yes'],
    ]) {
      const error = jsonError(await shop.dsctl(['member', ...args, '-o', 'json']))
      expect(error).toMatchObject({ exit_code: 4, hint: expect.stringContaining('--force') })
    }
    expect(await rolesOf(shop)).toEqual({ 'admin@example.com': 'workspace_admin' })
  })

  test('changes members with --force, but never the last workspace_admin', async () => {
    const add = await shop.dsctl(['member', 'add', 'hugo@example.com', '--role', 'viewer', '--force'])
    expect(add).toMatchObject({ code: 0 })
    expect(await rolesOf(shop)).toMatchObject({ 'hugo@example.com': 'viewer' })
    expect((await shop.dsctl(['member', 'remove', 'admin@example.com', '--yes', '--force'])).code).toBe(6)
  })
})
