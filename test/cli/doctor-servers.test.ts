import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ApplicationSite, applicationSite } from '../support/application.ts'
import { diagnose, type Finding } from '../support/doctor.ts'
import { plainFields, plainStored } from '../support/examples.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { creation } from '../support/requests.ts'
import { json, jsonError, type RunOptions } from '../support/run.ts'
import { adminPolicy, createSite, grants, type Site } from '../support/site.ts'
import { everythingIn } from '../support/stored.ts'
import { answerWith } from '../support/vault-proxy.ts'

// Problems of the servers themselves and of the caller's privileges. Each test follows doctor's advice and checks that
// doctor then finds no problem.

const HEALTHY = { code: 0, wrong: [] }
let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

async function created(at: Pick<Site, 'dsctl'>, name: string, options: RunOptions = {}): Promise<string> {
  const { args, stdin } = creation({ name, env: 'dev', type: 'postgres', ...plainFields })
  const result = await at.dsctl(args, { ...options, stdin })
  expect(result, result.stderr).toMatchObject({ code: 0 })
  return json(result).id
}

/** Runs the SQL that a finding suggests. */
async function applyFix({ fix }: Finding, { query } = site.database): Promise<void> {
  for (const statement of String(fix)
    .split(';')
    .filter(text => text.trim()))
    await query(statement)
}

describe('Postgres', () => {
  test('each missing privilege is reported with its GRANT', async () => {
    const { role, url } = await site.database.createRole()
    await site.database.query(grants('admin', role))
    const env = { DSCTL_DATABASE_URL: url }
    expect(await diagnose(site, [], { env })).toMatchObject(HEALTHY)
    const expectMissing = async (revoked: string, wrong: string[], missing: string[]) => {
      await site.database.query(`REVOKE ${revoked} FROM "${role}"`)
      const found = await diagnose(site, ['--fix'], { env })
      expect(found).toMatchObject({ code: 8, wrong: ['privileges: problem', ...wrong] })
      for (const what of missing) expect(found.of('privileges').message).toContain(`${role} lacks ${what}`)
      await applyFix(found.of('privileges'))
      expect(await diagnose(site, [], { env })).toMatchObject(HEALTHY)
    }
    await expectMissing('UPDATE, INSERT ON data_sources', [], ['INSERT on data_sources', 'UPDATE on data_sources'])
    await expectMissing('SELECT ON data_sources', ['credentials: problem'], ['SELECT on data_sources'])
    await expectMissing('ALL ON dsctl.pending_operations', ['pending: problem'], ['DELETE on dsctl.pending_operations'])
    await expectMissing('SELECT ON dsctl.migrations', ['migrations: problem'], ['SELECT on dsctl.migrations'])
    await expectMissing('USAGE ON SCHEMA dsctl', ['migrations: problem', 'pending: problem'], ['USAGE on schema dsctl'])
  })

  test('missing or outdated tables are left to init', async () => {
    await site.database.query('ALTER SCHEMA dsctl RENAME TO elsewhere')
    const url = { env: { DSCTL_DATABASE_URL: site.database.url } }
    const missing = await diagnose(site, ['--fix'], url)
    expect(missing).toMatchObject({ code: 8, wrong: ['migrations: problem', 'pending: problem'] })
    expect(missing.of('migrations').fix).toBe('dsctl init')
    await site.database.query('ALTER SCHEMA elsewhere RENAME TO dsctl')
    await site.database.query(
      `CREATE TABLE behind AS TABLE dsctl.migrations; DELETE FROM dsctl.migrations WHERE name LIKE '0001%'`,
    )
    const behind = await diagnose(site, [], url)
    expect(behind).toMatchObject({ code: 8, wrong: ['migrations: problem'] })
    await site.database.query(
      `INSERT INTO dsctl.migrations SELECT * FROM behind WHERE name LIKE '0001%'; DROP TABLE behind`,
    )
    expect(await diagnose(site, [], url)).toMatchObject(HEALTHY)
  })

  test('missing indexes are reported with the SQL that creates them', async () => {
    const indexes = async () => {
      const rows = await site.database.query(
        `SELECT indexdef FROM pg_indexes WHERE tablename = 'data_sources' ORDER BY 1`,
      )
      return rows.map(({ indexdef }) => String(indexdef).replace(/INDEX \S+ ON/, 'INDEX ON'))
    }
    const before = await indexes()
    const indexNames = await site.database.query(`SELECT indexrelid::regclass::text AS name FROM pg_index
      WHERE indrelid = 'data_sources'::regclass AND NOT indisprimary`)
    for (const { name } of indexNames) await site.database.query(`DROP INDEX ${name}`)
    // Looks like the required index, but covers only some live rows.
    await site.database.query(`CREATE UNIQUE INDEX part ON data_sources (name, organization_id, env) WHERE env = 'dev'`)
    const found = await diagnose(site)
    expect(found).toMatchObject({ code: 0, wrong: ['indexes: warning'] })
    expect(found.of('indexes').message).toContain('data_sources has no unique index on the names of live rows')
    expect(found.of('indexes').message).toContain('data_sources has no index for dsctl list')
    await applyFix(found.of('indexes'))
    await site.database.query('DROP INDEX part')
    expect(await diagnose(site)).toMatchObject(HEALTHY)
    expect(await indexes()).toEqual(before)
  })

  test('a constraint or index that includes deleted rows is reported with a fix', async () => {
    for (const rule of [
      'ALTER TABLE data_sources ADD CONSTRAINT "Old rule" UNIQUE (env, name, organization_id)',
      'CREATE UNIQUE INDEX "Old rule" ON data_sources (organization_id, env, name)',
    ]) {
      await site.database.query(rule)
      const found = await diagnose(site)
      expect(found).toMatchObject({ code: 0, wrong: ['indexes: warning'] })
      expect(found.of('indexes').message).toContain('"Old rule" includes deleted rows')
      expect(found.of('indexes').fix).toMatch(/^(ALTER TABLE data_sources DROP CONSTRAINT|DROP INDEX) "Old rule";$/)
      await applyFix(found.of('indexes'))
      expect(await diagnose(site)).toMatchObject(HEALTHY)
    }
  })

  describe('of an application', () => {
    let shop: ApplicationSite
    beforeAll(async () => {
      shop = await applicationSite()
      await shop.init()
    })
    afterAll(() => shop?.drop())

    test('--fix does not change the application’s own indexes', async () => {
      const indexes = () => shop.database.query(`SELECT indexdef FROM pg_indexes WHERE tablename = 'data_sources'`)
      const before = await indexes()
      const found = await diagnose(shop, ['--fix'])
      expect(found).toMatchObject({ code: 0, wrong: ['indexes: warning'] })
      expect(await indexes()).toEqual(before)
      await applyFix(found.of('indexes'), shop.database)
      expect(await diagnose(shop)).toMatchObject(HEALTHY)
      await created(shop, 'Gone')
      expect((await shop.dsctl(['delete', 'Gone', '--yes'])).code).toBe(0)
      await created(shop, 'Gone')
    })

    test('incompatible tables are reported with each difference', async () => {
      await shop.database.query('ALTER TABLE datasets RENAME COLUMN name TO title')
      const found = await diagnose(shop)
      expect(found).toMatchObject({ code: 8, wrong: ['migrations: problem'] })
      expect(found.of('migrations').message).toContain('column datasets.name is missing')
      await shop.database.query('ALTER TABLE datasets RENAME COLUMN title TO name')
    })

    test('no secret counts as unknown if row level security may hide records', async () => {
      const { role, url } = await shop.database.createRole()
      await shop.database.query(grants('admin', role))
      const hidden = await created(shop, 'Hidden')
      await created(shop, 'Shown')
      await shop.database.query(`ALTER TABLE data_sources ENABLE ROW LEVEL SECURITY;
        CREATE POLICY others ON data_sources FOR SELECT USING (name <> 'Hidden')`)
      const found = await diagnose(shop, ['--fix'], { env: { DSCTL_DATABASE_URL: url } })
      expect(found).toMatchObject({ code: 0, wrong: ['unknown secrets: warning'] })
      expect(found.of('unknown secrets')).toMatchObject({ items: [], message: expect.stringContaining('Row level') })
      expect(await shop.vault.readSecret(`data-sources/${hidden}`)).toMatchObject({ data: plainStored })
      await shop.database.query('ALTER TABLE data_sources DISABLE ROW LEVEL SECURITY')
      expect(await diagnose(shop)).toMatchObject(HEALTHY)
    })
  })
})

describe('Vault', () => {
  const as = async (email: string, policy: string, ttl = '1h') => {
    const { vault } = site
    const policies = [await vault.createPolicy('doctor', policy)]
    return { env: { VAULT_TOKEN: await vault.userToken({ email, policies, ttl }) } }
  }
  const admin = () => adminPolicy(site.vault.mount)

  test('each missing capability of the token is reported with its path', async () => {
    await created(site, 'With a secret')
    const read = admin()
      .replace('["create", "read", "update"]', '["read"]')
      .replace('"read", "list", "delete"', '"read", "list"')
    const found = await diagnose(site, ['--deep'], await as(site.admin.email, read))
    expect(found).toMatchObject({ code: 8, wrong: ['vault: problem', 'vault: problem'] })
    const messages = found.findings.filter(({ check }) => check === 'vault').map(({ message }) => message)
    expect(messages[0]).toContain(`lacks create, update on ${site.vault.mount}/data/data-sources/{id}`)
    expect(messages[1]).toContain(`lacks delete on ${site.vault.mount}/metadata/data-sources/{id}`)
  })

  test('secrets the token may not read or list are reported as unchecked', async () => {
    const noRead = admin().replace('["create", "read", "update"]', '["create", "update"]')
    const unread = await diagnose(site, ['--deep'], await as(site.admin.email, noRead))
    expect(unread).toMatchObject({ code: 8, wrong: ['vault: problem', 'secrets: problem'] })
    expect(unread.of('secrets').message).toContain('With a secret (dev), not readable: ')
    const noList = admin()
      .replaceAll(', "list"', '')
      .replace('["list"]', '["deny"]')
      .replace(/path "[^"]*config".*/, '')
    const unlisted = await diagnose(site, [], await as(site.admin.email, noList))
    expect(unlisted).toMatchObject({ code: 0, wrong: ['versions: warning', 'credentials: warning'] })
    expect(unlisted.of('credentials').message).toContain('not compared')
  })

  test('the token’s lifetime is reported, with a warning if it is short', async () => {
    const long = await diagnose(site)
    expect(long.of('token')).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/ expires in \d+ (hour|minutes)/),
    })
    const short = await diagnose(site, [], await as(site.admin.email, admin(), '2m'))
    expect(short).toMatchObject({ code: 0, wrong: ['token: warning'] })
    expect(short.of('token').fix).toBe('dsctl login')
    const root = { env: { VAULT_TOKEN: site.vault.rootToken, DSCTL_USER: site.admin.email } }
    expect((await diagnose(site, [], root)).of('token').message).toBe('The Vault token does not expire.')
  })

  test('a mount that keeps fewer than three versions is a warning', async () => {
    const keep = (versions: number) =>
      site.vault.request('POST', `${site.vault.mount}/config`, { body: { max_versions: versions } })
    for (const [versions, wrong] of [
      [2, ['versions: warning']],
      [3, []],
      [0, []],
    ] as const) {
      await keep(versions)
      expect(await diagnose(site)).toMatchObject({ code: 0, wrong })
    }
  })

  test.each([
    ['KV version 1', { type: 'kv', options: { version: '1' } }],
    ['another engine', { type: 'transit' }],
    ['missing', undefined],
  ])('a mount that is %s is a problem, and nothing else is checked', async (_, engine) => {
    const mount = `${site.vault.mount}-other`
    if (engine) await site.vault.request('POST', `sys/mounts/${mount}`, { body: engine })
    const before = await everythingIn(site)
    const options = await as(site.admin.email, `${admin()}\n${adminPolicy(mount)}`)
    const found = await diagnose(site, ['--fix', '--deep'], { env: { ...options.env, DSCTL_VAULT_MOUNT: mount } })
    expect(found).toMatchObject({ code: 8, wrong: ['vault: problem'] })
    expect(found.of('vault')).toMatchObject({
      message: expect.stringContaining(mount),
      fix: expect.stringContaining('vault.mount'),
    })
    expect(found.findings.map(({ check }) => check)).not.toContain('credentials')
    expect(await everythingIn(site)).toEqual(before)
    if (engine) await site.vault.request('DELETE', `sys/mounts/${mount}`)
  })

  test('secrets of other paths in the same folder are ignored', async () => {
    const path = `data-sources/${crypto.randomUUID()}/${crypto.randomUUID()}`
    await site.vault.writeSecret(path, plainStored)
    await site.vault.writeSecret('data-sources/of-the-application', { a: 1 })
    expect(await diagnose(site, ['--fix', '--deep'])).toMatchObject(HEALTHY)
    expect(await site.vault.readSecret(path)).toMatchObject({ data: plainStored })
  })
})

describe('During other work', () => {
  let proxied: ProxiedSite
  beforeAll(async () => {
    proxied = await proxySite(site)
  })
  afterEach(() => proxied.restore())
  afterAll(() => proxied?.close())

  test('an unreachable or sealed Vault exits 7 with the reason', async () => {
    await proxied.vault.down()
    const unreachable = await proxied.dsctl(['doctor', '--timeout', '1', '-o', 'json'])
    expect(unreachable).toMatchObject({ code: 7, stdout: '' })
    await proxied.vault.up()
    proxied.vault.at(/GET .*\/metadata\//, answerWith(503, { errors: ['Vault is sealed'] }))
    const sealed = await proxied.dsctl(['doctor', '--timeout', '1', '-o', 'json'])
    expect(jsonError(sealed)).toMatchObject({ exit_code: 7, message: expect.stringMatching(/sealed|503/) })
  })

  test('a create and a delete during the comparison are no problem', async () => {
    const gone = await created(site, 'On its way out')
    let during: Promise<unknown> | undefined
    proxied.vault.at(/GET .*\/metadata\//, {
      after: async () => {
        during ??= Promise.all([created(site, 'Just made'), site.dsctl(['delete', gone, '--yes'])])
        await during
        return undefined
      },
    })
    expect(await diagnose({ dsctl: proxied.dsctl }, ['--deep'])).toMatchObject(HEALTHY)
    expect(during).toBeDefined()
  })

  test('concurrent changes and two runs of doctor cause no problem or loss', async () => {
    const names = Array.from({ length: 4 }, (_, n) => `At work ${n}`)
    const work = names.map(async name => {
      const id = await created(site, name)
      expect((await site.dsctl(['update', id, '--host', 'new.example.com'])).code).toBe(0)
      return id
    })
    const runs = Array.from({ length: 2 }, async () => {
      for (let n = 0; n < 3; n++) expect(await diagnose(site, ['--fix', '--deep'])).toMatchObject(HEALTHY)
    })
    await Promise.all([...work, ...runs])
    for (const id of await Promise.all(work)) {
      expect(await site.vault.readSecret(`data-sources/${id}`)).toMatchObject({ data: { host: 'new.example.com' } })
    }
  })

  test('an interrupted doctor stops quickly', async () => {
    let reached = false
    const forever = () => {
      reached = true
      return new Promise<undefined>(() => {})
    }
    proxied.vault.at(/GET .*\/metadata\//, { before: forever })
    const running = proxied.start(['doctor'])
    await expect.poll(() => reached, { timeout: 20_000 }).toBe(true)
    running.signal('SIGINT')
    expect(await running.result).toMatchObject({ code: 130, stdout: '' })
  })
})

test('A viewer sees no findings, and --fix changes nothing for them', async () => {
  const vera = await site.addPerson({ email: 'vera@example.com', role: 'viewer' })
  await site.addDataSource({ name: 'Without' })
  const before = (await everythingIn(site)).records
  for (const args of [['doctor'], ['doctor', '--fix'], ['doctor', '--deep']]) {
    expect(await site.dsctl(args, { env: vera.env })).toMatchObject({ code: 4, stdout: '' })
  }
  expect((await everythingIn(site)).records).toEqual(before)
  const daniel = await site.addPerson({ email: 'daniel@example.com', role: 'data_admin' })
  expect(await diagnose(site, ['--fix'], { env: daniel.env })).toMatchObject({
    code: 8,
    wrong: ['credentials: problem'],
  })
})
