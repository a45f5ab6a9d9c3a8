import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { APPLICATION, APPLICATION_ADMIN, type ApplicationSite, applicationSite } from '../support/application.ts'
import { mainRequest, mainShown, mainStored, plainFields } from '../support/examples.ts'
import { dsctl, json, jsonError, temporaryFolder } from '../support/run.ts'
import { rowsIn, schemaOf, schemasIn } from '../support/schema.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from '../support/servers.ts'
import type { ScratchVault } from '../support/vault.ts'

let vault: ScratchVault
beforeAll(async () => {
  vault = await scratchVault()
})
afterAll(() => vault.drop())

const configOf = (home: string) => join(home, 'dsctl-config', 'config.json')
const profilesIn = (home: string) => JSON.parse(readFileSync(configOf(home), 'utf8')).profiles

/** Everything in a database that init could have changed. */
async function stateOf(database: ScratchDatabase) {
  const schemas = await schemasIn(database)
  const contents = schemas.map(async schema => [
    schema,
    await schemaOf(database, schema),
    await rowsIn(database, schema),
  ])
  return Promise.all(contents)
}

describe('an empty database', () => {
  let database: ScratchDatabase
  let home: string

  beforeEach(async () => {
    database = await scratchDatabase()
    home = temporaryFolder()
  })
  afterEach(() => database.drop())

  const servers = () => ['--database-url', database.url, '--vault-addr', vault.addr, '--vault-mount', vault.mount]
  const first = ['--org', 'Acme', '--admin', 'admin@example.com', '--admin-name', 'Ada']
  const init = (args: readonly string[], env: Record<string, string | undefined> = {}) =>
    dsctl(['init', ...args], { home, env: { VAULT_TOKEN: vault.rootToken, ...env } })

  test('gets all tables, the first organization and its admin, and the settings become a profile', async () => {
    const result = await init([...servers(), ...first, '--yes'])
    expect(result).toMatchObject({ code: 0, stdout: '' })
    expect(result.stderr.split('\n')).toEqual([
      'Created the application tables and the tables in schema dsctl.',
      'Created the organization Acme with admin@example.com as its workspace_admin.',
      'Saved the settings as profile default.',
      expect.stringContaining('warning: The Vault token has no e-mail address'),
      'Next: dsctl config set user admin@example.com',
      '',
    ])
    expect(await schemasIn(database)).toEqual(['dsctl', 'public'])
    expect(Object.keys(await rowsIn(database))).toEqual([
      'data_sources',
      'datasets',
      'organizations',
      'users',
      'users_to_organizations',
    ])
    expect(await database.query('SELECT email, name FROM users')).toEqual([{ email: 'admin@example.com', name: 'Ada' }])
    const members = await database.query('SELECT role, status FROM users_to_organizations')
    expect(members).toEqual([{ role: 'workspace_admin', status: 'active' }])
    expect(profilesIn(home)).toEqual({
      default: { 'database.url': database.url, 'vault.addr': vault.addr, 'vault.mount': vault.mount, org: 'Acme' },
    })
    expect(statSync(configOf(home)).mode & 0o777).toBe(0o600)
  })

  test('is ready for work: the profile and a token are all that is needed', async () => {
    await init([...servers(), ...first, '--yes'])
    const env = { VAULT_TOKEN: vault.rootToken }
    expect(await dsctl(['config', 'set', 'user', 'admin@example.com'], { home })).toMatchObject({ code: 0 })
    const created = await dsctl(['create', '-f', '-', '-o', 'json'], { home, env, stdin: JSON.stringify(mainRequest) })
    expect(created.code, created.stderr).toBe(0)
    expect(json(created)).toMatchObject({ created_by: { name: 'Ada' }, credentials: mainShown })
    expect((await vault.readSecret(`data-sources/${json(created).id}`))?.data).toEqual(mainStored)
    expect(await dsctl(['delete', json(created).id, '--yes'], { home, env })).toMatchObject({ code: 0 })
  })

  test('is left as it is when init runs again, which says so', async () => {
    await init([...servers(), ...first, '--yes'])
    const before = [await stateOf(database), readFileSync(configOf(home), 'utf8')]
    for (const args of [[...servers(), ...first, '--yes'], ['--yes'], [...servers(), '--org', 'Acme']]) {
      const result = await init(args)
      const stderr = 'Already set up. Nothing changed.\n'
      expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr })
      expect([await stateOf(database), readFileSync(configOf(home), 'utf8')]).toEqual(before)
    }
  })

  test('gets no second organization by another --org', async () => {
    await init([...servers(), ...first, '--yes'])
    const before = await stateOf(database)
    const result = await init([...servers(), '--org', 'Other', '--admin', 'other@example.com', '--profile', 'other'])
    expect(result.code, result.stderr).toBe(2)
    expect(result.stderr).toContain('init creates only the first one')
    expect(await stateOf(database)).toEqual(before)
  })

  test('gets no second admin by another --admin: that is said, with what to do, and nothing is changed', async () => {
    const wrong = await init([...servers(), '--org', 'Acme', '--admin', 'alice', '-o', 'json'])
    expect(jsonError(wrong)).toMatchObject({
      ...{ exit_code: 2, fields: [{ field: 'admin', message: 'must be an e-mail address' }] },
    })
    expect(await schemasIn(database)).toEqual(['public'])
    await init([...servers(), ...first, '--yes'])
    const [{ id }] = await database.query(
      `INSERT INTO users (id, email) VALUES (gen_random_uuid(), 'vera@example.com') RETURNING id`,
    )
    await database.query(
      `INSERT INTO users_to_organizations (user_id, organization_id, role) SELECT $1, id, 'viewer' FROM organizations`,
      [id],
    )
    const before = await stateOf(database)
    for (const [email, hint] of [
      ['zed@example.com', 'dsctl member add zed@example.com --role workspace_admin'],
      ['vera@example.com', 'dsctl member set-role vera@example.com workspace_admin'],
    ] as const) {
      for (const more of [['--yes'], ['--org', 'Acme'], ['--check']]) {
        const error = jsonError(await init(['--admin', email, ...more, '-o', 'json']))
        expect(error).toMatchObject({ exit_code: 2, hint: expect.stringContaining(hint) })
        expect(error.message).toContain(`${email} is not an active workspace_admin of`)
      }
    }
    expect(await stateOf(database)).toEqual(before)
    expect((await init(['--admin', 'Admin@Example.com', '--yes'])).stderr).toContain('Already set up')
  })

  test('is made once by two at the same time', async () => {
    const args = [...servers(), ...first, '--yes']
    const results = await Promise.all(
      [1, 2, 3].map(() => dsctl(['init', ...args], { env: { VAULT_TOKEN: vault.rootToken } })),
    )
    for (const result of results) expect(result.code, result.stderr).toBe(0)
    expect(results.filter(({ stderr }) => stderr.includes('Created the application tables'))).toHaveLength(1)
    expect(await database.query('SELECT name FROM organizations')).toEqual([{ name: 'Acme' }])
    expect(await database.query('SELECT email FROM users')).toHaveLength(1)
    expect(await database.query('SELECT 1 FROM users_to_organizations')).toHaveLength(1)
  })

  test('saves the profile that --profile names, and that one alone', async () => {
    expect(await init([...servers(), ...first, '--profile', 'staging'])).toMatchObject({ code: 0 })
    expect(Object.keys(profilesIn(home))).toEqual(['staging'])
  })

  test('is left empty where it is not said who the first admin is: each missing flag is named', async () => {
    const before = await stateOf(database)
    for (const [args, fields] of [
      [[], ['org', 'admin']],
      [['--org', 'Acme'], ['admin']],
      [['--admin', 'admin@example.com'], ['org']],
    ] as const) {
      const result = await init([...servers(), ...args, '-o', 'json'])
      expect(result).toMatchObject({ code: 2, stdout: '' })
      expect(jsonError(result).fields?.map(({ field }) => field)).toEqual(fields)
      for (const field of fields) expect(result.stderr).toContain(`--${field} `)
    }
    expect(await stateOf(database)).toEqual(before)
    expect(existsSync(configOf(home))).toBe(false)
  })

  test('is only looked at with --check', async () => {
    const before = await stateOf(database)
    const result = await init([...servers(), '--check'])
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('The database is empty') })
    expect(result.stderr).toMatch(/--org NAME and --admin EMAIL[\s\S]*Nothing was changed/)
    expect(await stateOf(database)).toEqual(before)
    expect(existsSync(configOf(home))).toBe(false)
    await init([...servers(), ...first])
    const done = await stateOf(database)
    expect(await init(['--check'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('The database is ready.'),
    })
    expect(await stateOf(database)).toEqual(done)
  })

  test.each([
    ['of a flag', (url: string) => ({ flag: url })],
    ['of a flag, with a slash in it', (url: string) => ({ flag: url.replace('MARKERpassword', '5/MARKERpassword') })],
  ])('is not touched with the password %s, which others could read', async (_, of) => {
    const url = new URL(database.url)
    url.password = 'MARKERpassword'
    const { flag } = of(url.href)
    const before = await stateOf(database)
    const args = ['--database-url', flag, '--vault-addr', vault.addr, '--vault-mount', vault.mount, ...first]
    const result = await init([...args, '-o', 'json'])
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.not.stringContaining('MARKER') })
    const message = expect.stringMatching(/PGPASSWORD.*~\/\.pgpass.*database\.vaultRole/)
    expect(jsonError(result).fields).toEqual([{ field: 'database.url', message }])
    expect(await stateOf(database)).toEqual(before)
    expect(existsSync(configOf(home))).toBe(false)
  })

  test('may have its password in the environment, which is not saved', async () => {
    const url = new URL(database.url)
    url.password = 'MARKERpassword'
    const result = await init(['--vault-addr', vault.addr, '--vault-mount', vault.mount, ...first], {
      DSCTL_DATABASE_URL: url.href,
    })
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).toMatch(/database\.url was not saved/)
    expect(result.stderr + readFileSync(configOf(home), 'utf8')).not.toContain('MARKER')
    expect(profilesIn(home).default).toEqual({ 'vault.addr': vault.addr, 'vault.mount': vault.mount, org: 'Acme' })
  })

  test('is not touched where Vault cannot be used', async () => {
    const before = await stateOf(database)
    const version1 = `${vault.mount}-one`
    await vault.request('POST', `sys/mounts/${version1}`, { body: { type: 'kv', options: { version: '1' } } })
    const where = (addr: string, mount: string) => [
      '--database-url',
      database.url,
      '--vault-addr',
      addr,
      '--vault-mount',
      mount,
      ...first,
    ]
    for (const [args, exit, says, env] of [
      [where('http://127.0.0.1:1', vault.mount), 7, /cannot be reached/, {}],
      [where(vault.addr, 'nowhere'), 2, /no mount nowhere/, {}],
      [where(vault.addr, version1), 2, /KV version 1/, {}],
      [where(vault.addr, vault.mount), 3, /No Vault token/, { VAULT_TOKEN: undefined }],
      [where(vault.addr, vault.mount), 3, /does not accept the token/, { VAULT_TOKEN: 'hvs.MARKERtoken' }],
      [[...where(vault.addr, vault.mount), '--vault-path', 'fixed'], 2, /\{id\}/, {}],
      [[...where(vault.addr, vault.mount), '--vault-path', '{id}/../x'], 2, /vault\.path: must be names/, {}],
    ] as const) {
      const result = await init(args, env)
      expect(result).toMatchObject({ code: exit, stdout: '', stderr: expect.stringMatching(says) })
      expect(result.stderr).not.toContain('MARKER')
    }
    expect(await stateOf(database)).toEqual(before)
    expect(existsSync(configOf(home))).toBe(false)
    await vault.request('DELETE', `sys/mounts/${version1}`)
  })

  test('is prepared with a warning that names what the token lacks', async () => {
    const policy = await vault.createPolicy(
      'some',
      `path "${vault.mount}/data/data-sources/*" { capabilities = ["create", "read"] }`,
    )
    const token = await vault.userToken({ email: 'admin@example.com', policies: [policy] })
    const result = await init([...servers(), ...first], { VAULT_TOKEN: token })
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).toContain(`warning: The Vault token lacks update on ${vault.mount}/data/data-sources/{id}`)
    expect(result.stderr).toContain(
      `warning: The Vault token lacks delete on ${vault.mount}/metadata/data-sources/{id}`,
    )
  })

  test('is not called unfit by a token that can not see the mount: --check says so, init does not go on', async () => {
    const token = await vault.userToken({ email: 'admin@example.com', policies: [] })
    const check = await init([...servers(), '--check'], { VAULT_TOKEN: token })
    expect(check).toMatchObject({ code: 0, stdout: '' })
    expect(check.stderr).toContain(`This token cannot see the mount ${vault.mount}`)
    expect(check.stderr).not.toMatch(/KV version 2|secrets enable|lacks/)
    const made = await init([...servers(), ...first, '-o', 'json'], { VAULT_TOKEN: token })
    expect(jsonError(made)).toMatchObject({
      ...{
        exit_code: 2,
        message: expect.stringContaining(`The Vault mount ${vault.mount} is not visible to this token`),
      },
    })
    expect(await schemasIn(database)).toEqual(['public'])
  })

  test('is not touched by a role that may create nothing', async () => {
    const { url } = await database.createRole()
    const before = await stateOf(database)
    const result = await init([
      '--database-url',
      url,
      '--vault-addr',
      vault.addr,
      '--vault-mount',
      vault.mount,
      ...first,
      '-o',
      'json',
    ])
    expect(result).toMatchObject({ code: 4, stdout: '' })
    expect(jsonError(result)).toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/permission denied for (database|schema)/),
    })
    expect(jsonError(result).hint).toBeTruthy()
    expect(await stateOf(database)).toEqual(before)
  })
})

describe('an application’s database', () => {
  let site: ApplicationSite
  let before: Awaited<ReturnType<typeof stateOf>>

  beforeAll(async () => {
    site = await applicationSite()
    before = await stateOf(site.database)
  })
  afterAll(() => site.drop())

  test('is only looked at with --check', async () => {
    const result = await site.init(['--check'])
    expect(result).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('init would add dsctl’s own tables in schema dsctl'),
    })
    expect(await stateOf(site.database)).toEqual(before)
  })

  test('is adopted: nothing of it changes, and schema dsctl is all that comes', async () => {
    const result = await site.init()
    expect(result).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('The application’s tables were not changed'),
    })
    expect(await schemasIn(site.database)).toEqual(['dsctl', 'public'])
    const after = await stateOf(site.database)
    expect(after.filter(([schema]) => schema !== 'dsctl')).toEqual(before)
    expect(await site.init()).toMatchObject({ stderr: expect.stringContaining('Nothing changed') })
    expect(await stateOf(site.database)).toEqual(after)
    const stranger = await site.init(['--admin', 'zed@example.com', '--yes'])
    expect(stranger).toMatchObject({ code: 2, stderr: expect.stringContaining('zed@example.com is not an active') })
    expect(await site.init(['--admin', APPLICATION_ADMIN, '--yes'])).toMatchObject({ code: 0 })
  })

  test('is then worked with: created, listed, shown, changed and deleted, with its own columns left alone', async () => {
    const created = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(mainRequest) })
    expect(created.code, created.stderr).toBe(0)
    const { id } = json(created)
    await site.database.query('UPDATE data_sources SET priority = 5 WHERE id = $1', [id])
    await site.database.query(
      `INSERT INTO datasets (id, name, data_source_id, organization_id, row_limit) VALUES ($1, 'Orders', $2, $3, 9)`,
      [randomUUID(), id, site.organizationId],
    )
    expect(json(await site.dsctl(['get', id, '-o', 'json']))).toMatchObject({
      created_by: { id: site.adminId, name: null },
      data_sets: [{ name: 'Orders' }],
      credentials: mainShown,
    })
    expect(json(await site.dsctl(['list', '-o', 'json']))).toMatchObject([{ id }])
    expect(await site.dsctl(['update', id, '--set-env', 'dev', '--port', '7000'])).toMatchObject({ code: 0 })
    expect(await site.dsctl(['update', id, '--set-name', 'Renamed'])).toMatchObject({ code: 0 })
    expect(await site.dsctl(['delete', id, '--yes'])).toMatchObject({ code: 0 })
    const [row] = await site.database.query('SELECT name, env, priority, deleted_at FROM data_sources WHERE id = $1', [
      id,
    ])
    expect(row).toEqual({ name: 'Renamed', env: 'dev', priority: 5, deleted_at: expect.any(Date) })
    expect(await site.database.query('SELECT what FROM notifications WHERE data_source_id = $1 LIMIT 1', [id])).toEqual(
      [{ what: 'INSERT' }],
    )
  })

  test('whose constraint counts deleted rows says that a deleted one has the name, and keeps nothing of the try', async () => {
    const stdin = JSON.stringify({ name: 'Renamed', env: 'dev', type: 'postgres', ...plainFields })
    const other = json(await site.dsctl(['create', 'Other', '-f', '-', '-o', 'json'], { stdin }))
    const secrets = await site.vault.listSecrets('data-sources')
    for (const [args, input] of [
      [['create', '-f', '-'], stdin],
      [['update', other.id, '--set-name', 'Renamed'], undefined],
      [['update', other.id, '--set-name', 'Renamed', '--port', '7000'], undefined],
    ] as const) {
      const result = await site.dsctl([...args, '-o', 'json'], { stdin: input })
      expect(result, args.join(' ')).toMatchObject({ code: 6, stdout: '' })
      expect(jsonError(result)).toMatchObject({ code: 'conflict', message: expect.stringContaining('Renamed') })
      expect(jsonError(result).hint).toMatch(/deleted/)
    }
    expect(await site.vault.listSecrets('data-sources')).toEqual(secrets)
    expect((await site.vault.readSecret(`data-sources/${other.id}`))?.data).toMatchObject({ port: 5432 })
    expect(await site.database.query(`SELECT 1 FROM dsctl.pending_operations WHERE state <> 'closed'`)).toEqual([])
  })
})

describe('a database that is neither empty nor the application’s', () => {
  let database: ScratchDatabase
  beforeEach(async () => {
    database = await scratchDatabase()
  })
  afterEach(() => database.drop())

  const refused = async () => {
    const before = await stateOf(database)
    const home = temporaryFolder()
    const args = ['--database-url', database.url, '--vault-addr', vault.addr, '--vault-mount', vault.mount]
    const env = { VAULT_TOKEN: vault.rootToken }
    const differences = []
    for (const more of [['--check'], ['--org', 'Acme', '--admin', 'a@example.com', '--yes']]) {
      const result = await dsctl(['init', ...args, ...more, '-o', 'json'], { home, env })
      expect(result).toMatchObject({ code: 2, stdout: '' })
      differences.push((jsonError(result).fields ?? []).map(({ message }) => message).sort())
    }
    expect(await stateOf(database)).toEqual(before)
    expect(existsSync(configOf(home))).toBe(false)
    expect(differences[0]).toEqual(differences[1])
    return differences[0]
  }

  test('because a table is missing', async () => {
    await database.query(APPLICATION)
    await database.query('DROP TABLE datasets')
    expect(await refused()).toEqual(['table datasets is missing'])
  })

  test('because one table alone is there', async () => {
    await database.query('CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL, name text)')
    expect(await refused()).toEqual([
      'table data_sources is missing',
      'table datasets is missing',
      'table organizations is missing',
      'table users_to_organizations is missing',
    ])
  })

  test('because of many things, each of which is told', async () => {
    await database.query(APPLICATION)
    await database.query(`
      ALTER TABLE data_sources DROP CONSTRAINT data_sources_name, DROP COLUMN env, ALTER secret_id TYPE text,
        ALTER created_at TYPE timestamp;
      ALTER TABLE organizations DROP COLUMN deleted_at;
      ALTER TABLE users_to_organizations ALTER status DROP DEFAULT, ALTER status TYPE text;
      ALTER TABLE datasets RENAME COLUMN name TO title;`)
    const differences = (await refused()) ?? []
    expect(differences).toEqual([
      expect.stringContaining('column data_sources.created_at is timestamp without time zone'),
      'column data_sources.env is missing',
      expect.stringContaining('column data_sources.secret_id is text'),
      'column datasets.name is missing',
      'column organizations.deleted_at is missing',
      expect.stringContaining('column users_to_organizations.status is text'),
      expect.stringContaining('no unique index or constraint on (name, organization_id, env)'),
    ])
  })

  test('because an enum lacks a label', async () => {
    await database.query(APPLICATION.replace(`'workspace_admin', 'data_admin', `, `'admin', `))
    expect(await refused()).toEqual([
      expect.stringMatching(/users_to_organizations\.role .*workspace_admin, data_admin/),
    ])
  })

  test('but one whose other tables have other names is empty to init, which leaves them alone', async () => {
    await database.query('CREATE TABLE invoices (id int PRIMARY KEY); INSERT INTO invoices VALUES (1)')
    const args = ['--database-url', database.url, '--vault-addr', vault.addr, '--vault-mount', vault.mount]
    const env = { VAULT_TOKEN: vault.rootToken }
    const result = await dsctl(['init', ...args, '--org', 'Acme', '--admin', 'a@example.com'], { env })
    expect(result.code, result.stderr).toBe(0)
    expect(await database.query('SELECT id FROM invoices')).toEqual([{ id: 1 }])
  })
})

test('a server that is missing is named, with the way to name it', async () => {
  const run = (...args: string[]) => dsctl(['init', ...args], { env: { VAULT_TOKEN: vault.rootToken } })
  expect(await run()).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/--database-url[\s\S]*--vault-addr/),
  })
  expect(await run('--vault-addr', vault.addr)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('database.url'),
  })
  expect(await run('--database-url', 'postgres://127.0.0.1:1/x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('vault.addr'),
  })
})
