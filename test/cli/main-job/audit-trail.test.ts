import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { secrets as samples } from '../../support/examples.ts'
import { temporaryFolder } from '../../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../../support/site.ts'
import { eventsOf } from '../../support/stored.ts'
import { MARKERS } from '../../unit/source-types/samples.ts'
import { dataSourcesOf, unique } from './data-sources.ts'

let site: Site
const { createPlain } = dataSourcesOf(() => site)

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

describe('The audit trail', () => {
  test('records who did what, and the outcome, but no field value', async () => {
    const name = unique('Audited')
    const { id } = await createPlain({ name, password: samples.password })
    await site.dsctl(['get', id])
    await site.dsctl(['update', id, '--set-env', 'prod'])
    await site.dsctl(['update', id, '--port', '7000', '--password', '-'], { stdin: 'MARKERtoken' })
    const viewer = ON_EMBEDDED
      ? undefined
      : await site.addPerson({ email: `${randomUUID()}@example.com`, role: 'viewer' })
    if (viewer) await site.dsctl(['delete', id, '--yes'], { env: viewer.env, home: temporaryFolder() })
    await site.dsctl(['delete', id, '--yes'])
    const events = await eventsOf(site, 'data_source_id = $1 OR data_source_name = $2', [id, id])
    const from = { name, env: 'dev' }
    const to = { name, env: 'prod' }
    const event = { name, actor_email: site.admin.email, settled_by: null, outcome: 'done', before: null, after: null }
    expect(events).toEqual([
      { ...event, action: 'create', fields: ['host', 'port', 'username', 'password', 'default_database'], after: from },
      { ...event, action: 'get', fields: [] },
      { ...event, action: 'update', fields: ['env'], before: from, after: to },
      { ...event, action: 'update', fields: ['port', 'password'], before: to, after: to },
      ...(viewer
        ? [{ ...event, action: 'delete', fields: [], name: id, outcome: 'denied', actor_email: viewer.email }]
        : []),
      { ...event, action: 'delete', fields: [], before: to },
    ])
    const allEvents = JSON.stringify(await site.database.query('SELECT * FROM dsctl.audit_events'))
    for (const marker of MARKERS) expect(allEvents).not.toContain(marker)
    const [{ client, actor_source, actor_id, organization_id }] = await site.database.query(
      'SELECT * FROM dsctl.audit_events WHERE data_source_id = $1 LIMIT 1',
      [id],
    )
    expect(client).toMatch(/^dsctl \d+\.\d+\.\d+ on \S+$/)
    expect(actor_source).toMatch(ON_EMBEDDED ? /operating system/ : /entity/)
    expect({ actor_id, organization_id }).toEqual({ actor_id: site.admin.id, organization_id: site.organization.id })
  })

  test('omits reads if audit.reads is off', async () => {
    const { id } = await createPlain()
    expect(await site.dsctl(['get', id], { env: { DSCTL_AUDIT_READS: 'off' } })).toMatchObject({ code: 0, stderr: '' })
    expect(await eventsOf(site, `action = 'get' AND data_source_id = $1`, [id])).toEqual([])
  })

  test('cannot be changed', async () => {
    for (const change of [
      'UPDATE dsctl.audit_events SET outcome = outcome',
      'DELETE FROM dsctl.audit_events',
      'TRUNCATE dsctl.audit_events',
    ])
      await expect(site.database.query(change)).rejects.toThrow('append-only')
  })
})
