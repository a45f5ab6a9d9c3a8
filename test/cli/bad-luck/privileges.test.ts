import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS, commandFailures } from '../../support/command-failures.ts'
import { mainRequest } from '../../support/examples.ts'
import type { ProxiedSite } from '../../support/proxied-site.ts'
import { json } from '../../support/run.ts'
import { adminPolicy, type Site } from '../../support/site.ts'
import { openIntentsIn, orphanSecretsIn } from '../../support/stored.ts'

const { fixture, expectFailure, expectNothingDone } = commandFailures()
let site: Site
let proxied: ProxiedSite
let id: string

beforeAll(() => {
  ;({ site, proxied, id } = fixture)
})

describe('a privilege is missing', () => {
  const READ = 'organizations, users, users_to_organizations, data_sources, datasets'
  /** The environment of a role that has what is granted to it. */
  const as = async (...grants: string[]) => {
    const { role, url } = await site.database.createRole()
    for (const grant of grants) await site.database.query(`GRANT ${grant} TO "${role}"`)
    return { env: { DSCTL_DATABASE_URL: url } }
  }
  const usage = 'USAGE ON SCHEMA dsctl'
  const intents = 'SELECT, INSERT, UPDATE, DELETE ON dsctl.pending_operations'
  const events = 'SELECT, INSERT ON dsctl.audit_events'
  const forbidden = { exit: 4, code: 'forbidden' }

  test('all of them', async () => {
    const failure = { ...forbidden, says: /permission denied for (table|schema) \w+/, advises: /GRANT (SELECT|USAGE)/ }
    await expectNothingDone(await as(), failure)
  })

  test.each([
    [
      'to read the users',
      ['SELECT ON organizations, users_to_organizations, data_sources, datasets', usage, intents, events],
      'list',
      /table users/,
      /GRANT SELECT ON users TO/,
    ],
    [
      'to use dsctl’s schema',
      [`SELECT, INSERT, UPDATE ON ${READ}`],
      'create',
      /schema dsctl/,
      /GRANT USAGE ON SCHEMA dsctl TO/,
    ],
    [
      'to record an intent',
      [`SELECT, INSERT, UPDATE ON ${READ}`, usage, events],
      'create',
      /table pending_operations/,
      /GRANT SELECT, INSERT, UPDATE, DELETE ON dsctl\.pending_operations TO/,
    ],
    [
      'to write the audit trail',
      [`SELECT, INSERT, UPDATE ON ${READ}`, usage, intents],
      'update of a name',
      /table audit_events/,
      /GRANT SELECT, INSERT ON dsctl\.audit_events TO/,
    ],
    [
      'to insert a record',
      [`SELECT ON ${READ}`, usage, intents, events],
      'create',
      /table data_sources/,
      /GRANT SELECT, INSERT, UPDATE ON data_sources TO/,
    ],
    [
      'to update a record',
      [`SELECT ON ${READ}`, usage, intents, events],
      'update of a name',
      /table data_sources/,
      /GRANT SELECT, INSERT, UPDATE ON data_sources TO/,
    ],
    [
      'to update a record, at the last step',
      [`SELECT ON ${READ}`, usage, intents, events],
      'update of credentials',
      /table data_sources/,
      /GRANT SELECT, INSERT, UPDATE ON data_sources TO/,
    ],
    [
      'to delete a record',
      [`SELECT ON ${READ}`, usage, intents, events],
      'delete',
      /table data_sources/,
      /GRANT SELECT, INSERT, UPDATE ON data_sources TO/,
    ],
  ] as const)('%s', async (_, grants, command, says, advises) => {
    await expectFailure(command, await as(...grants), { ...forbidden, says, advises })
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
  })

  test('to audit a read, which succeeds with a warning', async () => {
    const { env } = await as(`SELECT ON ${READ}`, usage)
    const result = await site.dsctl(['get', id, '-o', 'json'], { env })
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('not in the audit trail') })
    expect(json(result)).toMatchObject({ id, credentials: { host: 'db.example.com' } })
  })

  test('none that the least recipe has', async () => {
    const options = await as(`SELECT ON ${READ}`, 'INSERT, UPDATE ON data_sources', usage, intents, events)
    const stdin = JSON.stringify({ ...mainRequest, name: randomUUID() })
    const created = await site.dsctl(['create', '-f', '-', '-o', 'json'], { ...options, stdin })
    expect(created.code, created.stderr).toBe(0)
    const other = json(created).id
    for (const args of [
      ['list'],
      ['get', other],
      ['update', other, '--port', '1'],
      ['update', other, '--set-env', 'x'],
      ['delete', other, '--yes'],
    ]) {
      const result = await site.dsctl(args, options)
      expect(result.code, result.stderr).toBe(0)
    }
  })
})

test('with everything as it should be, the same commands work', async () => {
  const policy = await site.vault.createPolicy('again', adminPolicy(site.vault.mount))
  const token = await site.vault.userToken({ email: site.admin.email, policies: [policy] })
  for (const command of ['list', 'get'] as const) {
    const result = await proxied.dsctl(COMMANDS[command](id), { env: { VAULT_TOKEN: token } })
    expect(result).toMatchObject({ code: 0, stderr: '' })
  }
})
