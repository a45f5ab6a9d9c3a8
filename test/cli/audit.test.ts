import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creation, folderWith } from '../support/requests.ts'
import { json, jsonError, notes, temporaryFolder } from '../support/run.ts'
import { ADMIN, createSite, grants, type Person, type Site } from '../support/site.ts'
import { eventsOf } from '../support/stored.ts'
import { terminal } from '../support/terminal.ts'

let acme: Site
let dora: Person
const SECRET = 'audit-canary-7f3a'

const REQUEST = { type: 'databricks', env: 'dev', host: 'x.example.com', warehouse_id: '1', default_catalog: 'main' }

async function create(name: string, env = acme.env): Promise<void> {
  const { args, stdin } = creation({ ...REQUEST, name, api_key: SECRET })
  expect((await acme.dsctl(args, { stdin, env })).code).toBe(0)
}

async function audit(...args: readonly string[]): Promise<Record<string, unknown>[]> {
  return json(await acme.dsctl(['audit', ...args, '-o', 'json']))
}

beforeAll(async () => {
  acme = await createSite(['members'])
  dora = await acme.addPerson({ email: 'dora@example.com', role: 'data_admin' })
  const victor = await acme.addPerson({ email: 'victor@example.com', role: 'viewer' })
  await create('Sales')
  await create('Orders', { ...acme.env, ...dora.env })
  await acme.dsctl(['update', 'Sales', '--set-name', 'Revenue', '--host', 'y.example.com'])
  await acme.dsctl(['get', 'Revenue'])
  await acme.dsctl(['delete', 'Orders', '--yes'], { env: victor.env })
  await acme.dsctl(['delete', 'Revenue', '--yes'])
  await acme.dsctl(['get', 'Revenue'])
})

afterAll(() => acme?.drop())

describe('audit', () => {
  test('prints done, denied and failed events, latest first, with their actors', async () => {
    const events = await audit()
    expect(events.map(({ action, outcome, actor_email }) => [action, outcome, actor_email])).toEqual([
      ['get', 'failed', ADMIN],
      ['delete', 'done', ADMIN],
      ['delete', 'denied', 'victor@example.com'],
      ['get', 'done', ADMIN],
      ['update', 'done', ADMIN],
      ['create', 'done', 'dora@example.com'],
      ['create', 'done', ADMIN],
    ])
    expect(new Set(events.map(({ actor_source }) => actor_source))).toEqual(new Set(['metadata of the Vault entity']))
    expect(events[4]).toMatchObject({
      ...{ before: { name: 'Sales' }, after: { name: 'Revenue' }, settled_by: null },
      client: expect.stringMatching(/^dsctl \S+ on \S+$/),
    })
    expect(JSON.stringify(events)).not.toContain(SECRET)
  })

  test('finds a data source by UUID, name and former name', async () => {
    const [{ data_source_id: id } = {}] = await audit('--action', 'update')
    const actions = (events: Record<string, unknown>[]) => events.map(({ action }) => action).join()
    expect(actions(await audit('--source', String(id)))).toBe('delete,get,update,create')
    expect(actions(await audit('--source', 'Revenue', '--env', 'dev'))).toBe('delete,get,update,create')
    expect(actions(await audit('--source', 'Sales'))).toBe('update,create')
    expect(await audit('--source', 'Nothing')).toEqual([])
    const none = await acme.dsctl(['audit', '--source', 'Nothing', '--action', 'delete'])
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'No events about Nothing of action delete.\n' })
  })

  test('filters by actor, action and time, together', async () => {
    expect(await audit('--actor', 'DORA@example.com')).toHaveLength(1)
    expect(await audit('--actor', ADMIN, '--action', 'get', '--since', '1h')).toHaveLength(2)
    expect(await audit('--since', '2999-01-01')).toEqual([])
    expect(await audit('--since', '2000-01-01T00:00:00+02:00', '--action', 'create')).toHaveLength(2)
  })

  test('prints pages, and says if there are more', async () => {
    const first = await acme.dsctl(['audit', '--page-size', '3', '-o', 'json'])
    expect(first.stderr).toBe(notes('There are more. Pass --page 1 or --all.'))
    const last = await acme.dsctl(['audit', '--page-size', '3', '--page', '2', '-o', 'json'])
    expect([json(first).length, json(last).length, last.stderr]).toEqual([3, 1, ''])
    expect(json(await acme.dsctl(['audit', '--all', '--page-size', '3', '-o', 'json']))).toHaveLength(7)
  })

  test('--all prints each event once, in order, even with equal times', async () => {
    const lena = await acme.addPerson({ email: 'lena@example.com' })
    const id = await acme.addOrganization('Long')
    await acme.addMember(lena.id, id, { role: 'data_admin' })
    const at = `now() - (n / 700) * interval '1 microsecond'`
    await acme.database.query(
      `INSERT INTO dsctl.audit_events (id, at, organization_id, actor_email, actor_source, action, outcome, client)
      SELECT gen_random_uuid(), ${at}, '${id}', 'x', 'x', 'get', 'done', 'x' FROM generate_series(1, 1500) n`,
    )
    const inOrder = `SELECT id FROM dsctl.audit_events WHERE organization_id = $1 ORDER BY at DESC, id`
    const ids = (await acme.database.query(inOrder, [id])).map(event => event.id)
    const all = ['audit', '--all', '--org', 'Long', '-o']
    const listed = await acme.dsctl([...all, 'id'], { env: lena.env })
    expect(listed.stdout.trimEnd().split('\n')).toEqual(ids)
    expect(json(await acme.dsctl([...all, 'json', '--since', '1h'], { env: lena.env }))).toHaveLength(1500)
  })

  test('measures how long ago an event was by the clock of Postgres', async () => {
    const ahead = 'const clock = Date.now; Date.now = () => clock() + 7 * 86400000'
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(ahead)}` }
    const recent = json(await acme.spawnDsctl(['audit', '--since', '1h', '-o', 'json'], { env }).result)
    expect(recent.length).toBeGreaterThan(0)
  })

  test('refuses an unknown action, and lists the actions', async () => {
    const error = jsonError(await acme.dsctl(['audit', '--action', 'udpate', '-o', 'json']))
    expect(error).toMatchObject({ exit_code: 2, fields: [{ field: 'action' }] })
    expect(error.fields?.[0]?.message).toMatch(/^must be one of create, get, .*did you mean "update"/)
  })

  test('refuses an invalid time', async () => {
    for (const since of ['yesterday', '2026-02-30', '12', '2026-13-01']) {
      expect(jsonError(await acme.dsctl(['audit', '--since', since, '-o', 'json']))).toMatchObject({
        ...{ exit_code: 2, fields: [{ field: 'since', message: expect.stringContaining('must be a time') }] },
      })
    }
  })

  test('prints nothing of another organization', async () => {
    const olga = await acme.addPerson({ email: 'olga@example.com' })
    await acme.addMember(olga.id, await acme.addOrganization('Globex'), { role: 'workspace_admin' })
    const options = { env: olga.env, home: temporaryFolder() }
    expect(json(await acme.dsctl(['audit', '--all', '-o', 'json'], options))).toEqual([])
    const prune = ['audit', 'prune', '--before', '2999-01-01', '--yes']
    expect((await acme.dsctl(prune, options)).stderr).toContain('Deleted 0 events')
    expect(await audit('--all')).toHaveLength(7)
  })
})

describe('The trail', () => {
  test.each([
    `UPDATE dsctl.audit_events SET actor_email = 'x'`,
    'DELETE FROM dsctl.audit_events',
    'TRUNCATE dsctl.audit_events',
  ])('is append-only even for the owner of the database: %s', async sql => {
    await expect(acme.database.query(sql)).rejects.toThrow('append-only')
    expect(await eventsOf(acme)).not.toHaveLength(0)
  })
})

describe('audit prune', () => {
  test('requires --yes without a terminal', async () => {
    const error = jsonError(await acme.dsctl(['audit', 'prune', '--before', '1d', '-o', 'json']))
    expect(error).toMatchObject({ exit_code: 2, hint: 'Pass --yes.' })
  })

  test('is denied to a data_admin, and the denial is audited', async () => {
    const pruned = await acme.dsctl(['audit', 'prune', '--before', '2999-01-01', '--yes'], { env: dora.env })
    expect(pruned.code).toBe(4)
    expect(await eventsOf(acme, `action = 'audit prune' AND actor_email = $1`, [dora.email])).toEqual([
      expect.objectContaining({ outcome: 'denied' }),
    ])
    expect(await audit('--all')).toHaveLength(8)
  })

  test('asks for confirmation at a terminal', async () => {
    const screen = terminal(['audit', 'prune', '--before', '2999-01-01'], { env: acme.env, home: acme.home })
    await screen.waitFor('Delete the organization’s events')
    screen.type('n\n')
    expect((await screen.exit).code).toBe(130)
    expect(await audit('--all')).toHaveLength(8)
  })

  test('deletes older events, keeps the rest, and is audited', async () => {
    const [{ at }] = await acme.database.query(
      `SELECT at::text FROM dsctl.audit_events WHERE action = 'update' AND outcome = 'done'`,
    )
    const before = new Date(at).toISOString()
    const { code, stderr } = await acme.dsctl(['audit', 'prune', '--before', before, '--yes'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: `Deleted 2 events before ${before}.\n` })
    const [newest, ...others] = await audit('--all')
    expect(newest).toMatchObject({
      action: 'audit prune',
      outcome: 'done',
      after: { pruned_before: before, events: 2 },
    })
    expect(others).toHaveLength(6)
  })

  test('leaves the trail append-only', async () => {
    await acme.dsctl(['audit', 'prune', '--before', '2000-01-01', '--yes'])
    await expect(acme.database.query('DELETE FROM dsctl.audit_events')).rejects.toThrow('append-only')
  })

  test('names the missing grant of a role without DELETE', async () => {
    const { role, url } = await acme.database.createRole()
    await acme.database.query(`GRANT USAGE ON SCHEMA dsctl TO "${role}";
      GRANT SELECT ON ALL TABLES IN SCHEMA public TO "${role}";
      GRANT SELECT, INSERT ON dsctl.audit_events TO "${role}"`)
    const env = { DSCTL_DATABASE_URL: url }
    const error = jsonError(await acme.dsctl(['audit', 'prune', '--before', '1d', '--yes', '-o', 'json'], { env }))
    expect(error).toMatchObject({ exit_code: 4, hint: expect.stringContaining('DELETE ON dsctl.audit_events') })
    expect((await acme.dsctl(['audit'], { env })).code).toBe(0)
  })
})

describe('A denial before any look-up', () => {
  const file = () =>
    join(folderWith({ 'one.json': JSON.stringify({ ...REQUEST, name: 'Unsaved', api_key: 'k' }) }), 'one.json')
  const denied = (email: string) => eventsOf(acme, `actor_email = $1`, [email])

  test('is audited for apply, diff, export and test', async () => {
    const ursula = await acme.addPerson({ email: 'ursula@example.com', role: 'querier' })
    const from = file()
    const withSource = folderWith({
      'two.json': JSON.stringify({ ...REQUEST, name: 'Two', api_key: { from: 'env:DSCTL_SECRET_K' } }),
    })
    for (const args of [
      ['apply', '-f', from],
      ['apply', '-f', from, '--dry-run'],
      ['diff', '-f', from],
      ['export'],
      ['test', '-f', from],
      ['test', '-f', join(withSource, 'two.json')],
      ['test', '--all'],
      ['audit'],
      ['audit', '--all'],
      ['doctor'],
    ]) {
      expect(await acme.dsctl(args, { env: ursula.env })).toMatchObject({ code: 4, stdout: '' })
    }
    const events = await denied(ursula.email)
    expect(events.map(({ action, outcome, name }) => [action, outcome, name])).toEqual([
      ['apply', 'denied', null],
      ['diff', 'denied', null],
      ['diff', 'denied', null],
      ['export', 'denied', null],
      ['test', 'denied', 'Unsaved'],
      ['test', 'denied', 'Two'],
      ['test', 'denied', null],
      ['audit', 'denied', null],
      ['audit', 'denied', null],
      ['doctor', 'denied', null],
    ])
  })

  test('a permitted test of a file is audited, a diff or export is not', async () => {
    const tim = await acme.addPerson({ email: 'tim@example.com', role: 'data_admin' })
    const from = file()
    const codes = []
    for (const args of [['test', '-f', from, '--timeout', '2'], ['diff', '-f', from], ['export'], ['doctor']]) {
      codes.push((await acme.dsctl(args, { env: tim.env })).code)
    }
    expect(codes).toEqual([8, 9, 0, 0])
    expect((await denied(tim.email)).map(({ action, outcome, name }) => [action, outcome, name])).toEqual([
      ['test', 'failed', 'Unsaved'],
    ])
  })

  test('diff and test work for a Postgres role that may not write events', async () => {
    const { role, url } = await acme.database.createRole()
    await acme.database.query(grants('admin', role))
    await acme.database.query(`REVOKE INSERT ON dsctl.audit_events FROM "${role}"`)
    const env = { DSCTL_DATABASE_URL: url }
    const from = file()
    expect((await acme.dsctl(['diff', '-f', from], { env })).code).toBe(9)
    for (const args of [['export'], ['audit']]) expect((await acme.dsctl(args, { env })).code).toBe(0)
    const tested = await acme.dsctl(['test', '-f', from, '--timeout', '2'], { env })
    expect(tested.code).toBe(8)
    expect(tested.stderr).toContain('This test is not in the audit trail')
  })
})
