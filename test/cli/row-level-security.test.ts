import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApplicationSite, applicationSite } from '../support/application.ts'
import { creation } from '../support/requests.ts'
import { dsctl, json, jsonError, type RunOptions } from '../support/run.ts'
import { grants } from '../support/site.ts'

// Row-level security on all five tables of the application.

const TABLES = ['organizations', 'users', 'users_to_organizations', 'data_sources', 'datasets']
const secure = (how: string) => TABLES.map(table => `ALTER TABLE ${table} ${how} ROW LEVEL SECURITY`).join(';')

const request = (name: string) => ({
  ...{ name, env: 'dev', type: 'mysql', host: 'h', username: 'u', password: 'p', default_database: 'd' },
})

describe.each(['ENABLE', 'FORCE'])('With %s ROW LEVEL SECURITY', how => {
  let shop: ApplicationSite
  let role: string
  let as: RunOptions

  beforeAll(async () => {
    shop = await applicationSite()
    await shop.init()
    await shop.database.query(`ALTER TABLE users ALTER COLUMN auth_subject SET DEFAULT ''; ${secure('ENABLE')}`)
    if (how === 'FORCE') await shop.database.query(secure('FORCE'))
    const made = await shop.database.createRole()
    role = made.role
    as = { env: { DSCTL_DATABASE_URL: made.url } }
  })
  afterAll(() => shop?.drop())

  test('the documented grants of a reader work as written', async () => {
    const reader = await shop.database.createRole()
    await shop.database.query(grants('reader', reader.role))
    const { args, stdin } = creation(request('Seen'))
    expect(await shop.dsctl(args, { stdin })).toMatchObject({ code: 0 })
    const options = { env: { DSCTL_DATABASE_URL: reader.url } }
    expect(json(await shop.dsctl(['list', '-o', 'json'], options))).toMatchObject([{ name: 'Seen' }])
    expect(await shop.dsctl(['get', 'Seen'], options)).toMatchObject({ code: 0 })
    expect(await shop.dsctl(['delete', 'Seen', '--yes'])).toMatchObject({ code: 0 })
  })

  test('the documented grants of an admin and for members work as written', async () => {
    await shop.database.query(`${grants('admin', role)}; ${grants('members', role)}`)
    const { args, stdin } = creation(request('Sales'))
    expect(await shop.dsctl(args, { ...as, stdin })).toMatchObject({ code: 0 })
    for (const step of [
      ['update', 'Sales', '--host', 'h2', '--set-env', 'prod'],
      ['onboarding', 'Sales', 'inProgress'],
      ['audit'],
      ['doctor', '--deep'],
      ['delete', 'Sales', '--yes'],
      ['member', 'add', 'nina@example.com', '--role', 'viewer', '--force'],
      ['member', 'set-role', 'nina@example.com', 'querier', '--force'],
      ['member', 'remove', 'nina@example.com', '--force', '--yes'],
      ['audit', 'prune', '--before', '52w', '--yes'],
    ]) {
      const result = await shop.dsctl(step, as)
      expect(result.code, `${step.join(' ')}: ${result.stdout}${result.stderr}`).toBe(0)
    }
  })

  test.each(['users', 'users_to_organizations', 'organizations'])(
    'hidden rows of %s are the named reason',
    async table => {
      await shop.database.query(`DROP POLICY "${role}" ON ${table}`)
      for (const args of [['whoami'], ['list'], ['doctor'], ['export']]) {
        const error = jsonError(await shop.dsctl([...args, '-o', 'json'], as))
        expect(error, args.join(' ')).toMatchObject({ exit_code: 4 })
        expect(error.hint).toMatch(
          /row-level security on .* hides it from the Postgres role .*CREATE POLICY .*BYPASSRLS/,
        )
        expect(error.hint).toContain(table)
        expect(error.hint).toContain(role)
      }
      await shop.database.query(`CREATE POLICY "${role}" ON ${table} TO "${role}" USING (true)`)
    },
  )

  test('init --check names the tables, and that no organization is visible', async () => {
    const check = (options: RunOptions) => dsctl(['init', '--check'], options)
    const root = { ...shop.env, ...as.env, VAULT_TOKEN: shop.vault.rootToken }
    expect((await check({ env: root })).stderr).toContain(`Row-level security is on for ${TABLES.join(', ')}`)
    await shop.database.query(`DROP POLICY "${role}" ON organizations`)
    const hidden = await check({ env: root })
    expect(hidden).toMatchObject({ code: 4, stderr: expect.stringContaining('BYPASSRLS') })
    await shop.database.query(`CREATE POLICY "${role}" ON organizations TO "${role}" USING (true)`)
  })

  test('doctor names a table whose rows are all hidden', async () => {
    await shop.database.query(`DROP POLICY "${role}" ON data_sources`)
    const findings = json(await shop.dsctl(['doctor', '-o', 'json'], as))
    expect(findings[0]).toMatchObject({ check: 'privileges', status: 'problem' })
    expect(findings[0].message).toContain(`row-level security hides every row of data_sources from ${role}`)
    await shop.database.query(findings[0].fix)
    expect(await shop.dsctl(['doctor'], as)).toMatchObject({ code: 0 })
  })
})
