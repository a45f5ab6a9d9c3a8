import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainRequest, mainShown, mainStored } from '../support/examples.ts'
import { dsctl, json, jsonError, temporaryFolder } from '../support/run.ts'
import { rowsIn, schemasIn, stateOf } from '../support/schema.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from '../support/servers.ts'
import type { ScratchVault } from '../support/vault.ts'

let vault: ScratchVault
beforeAll(async () => {
  vault = await scratchVault()
})
afterAll(() => vault.drop())

const configOf = (home: string) => join(home, 'dsctl-config', 'config.json')
const profilesIn = (home: string) => JSON.parse(readFileSync(configOf(home), 'utf8')).profiles

describe('init of an empty database', () => {
  let database: ScratchDatabase
  let home: string

  beforeEach(async () => {
    database = await scratchDatabase()
    home = temporaryFolder()
  })
  afterEach(() => database.drop())

  const servers = () => ['--database-url', database.url, '--vault-addr', vault.addr, '--vault-mount', vault.mount]
  const organizationFlags = ['--org', 'Acme', '--admin', 'admin@example.com', '--admin-name', 'Ada']
  const init = (args: readonly string[], env: Record<string, string | undefined> = {}) =>
    dsctl(['init', ...args], { home, env: { VAULT_TOKEN: vault.rootToken, ...env } })

  test('creates tables, the first organization and its admin, and a profile', async () => {
    const result = await init([...servers(), ...organizationFlags, '--yes'])
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

  test('needs no more than the profile and a token to work afterwards', async () => {
    await init([...servers(), ...organizationFlags, '--yes'])
    const env = { VAULT_TOKEN: vault.rootToken }
    expect(await dsctl(['config', 'set', 'user', 'admin@example.com'], { home })).toMatchObject({ code: 0 })
    const created = await dsctl(['create', '-f', '-', '-o', 'json'], { home, env, stdin: JSON.stringify(mainRequest) })
    expect(created.code, created.stderr).toBe(0)
    expect(json(created)).toMatchObject({ created_by: { name: 'Ada' }, credentials: mainShown })
    expect((await vault.readSecret(`data-sources/${json(created).id}`))?.data).toEqual(mainStored)
    expect(await dsctl(['delete', json(created).id, '--yes'], { home, env })).toMatchObject({ code: 0 })
  })

  test('changes nothing when it runs again, and reports that', async () => {
    await init([...servers(), ...organizationFlags, '--yes'])
    const before = [await stateOf(database), readFileSync(configOf(home), 'utf8')]
    for (const args of [[...servers(), ...organizationFlags, '--yes'], ['--yes'], [...servers(), '--org', 'Acme']]) {
      const result = await init(args)
      const stderr = 'Already set up. Nothing changed.\n'
      expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr })
      expect([await stateOf(database), readFileSync(configOf(home), 'utf8')]).toEqual(before)
    }
  })

  test('does not create a second organization for another --org', async () => {
    await init([...servers(), ...organizationFlags, '--yes'])
    const before = await stateOf(database)
    const result = await init([...servers(), '--org', 'Other', '--admin', 'other@example.com', '--profile', 'other'])
    expect(result.code, result.stderr).toBe(2)
    expect(result.stderr).toContain('init creates only the first organization')
    expect(await stateOf(database)).toEqual(before)
  })

  test('does not create a second admin for another --admin; a hint says how', async () => {
    const wrong = await init([...servers(), '--org', 'Acme', '--admin', 'alice', '-o', 'json'])
    expect(jsonError(wrong)).toMatchObject({
      ...{ exit_code: 2, fields: [{ field: 'admin', message: 'must be an e-mail address' }] },
    })
    expect(await schemasIn(database)).toEqual(['public'])
    await init([...servers(), ...organizationFlags, '--yes'])
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

  test('creates everything once if several run at the same time', async () => {
    const args = [...servers(), ...organizationFlags, '--yes']
    const results = await Promise.all(
      [1, 2, 3].map(() => dsctl(['init', ...args], { env: { VAULT_TOKEN: vault.rootToken } })),
    )
    for (const result of results) expect(result.code, result.stderr).toBe(0)
    expect(results.filter(({ stderr }) => stderr.includes('Created the application tables'))).toHaveLength(1)
    expect(await database.query('SELECT name FROM organizations')).toEqual([{ name: 'Acme' }])
    expect(await database.query('SELECT email FROM users')).toHaveLength(1)
    expect(await database.query('SELECT 1 FROM users_to_organizations')).toHaveLength(1)
  })

  test('saves only the profile that --profile names', async () => {
    expect(await init([...servers(), ...organizationFlags, '--profile', 'staging'])).toMatchObject({ code: 0 })
    expect(Object.keys(profilesIn(home))).toEqual(['staging'])
  })

  test('names each missing flag of --org and --admin, and changes nothing', async () => {
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

  test('changes nothing with --check', async () => {
    const before = await stateOf(database)
    const result = await init([...servers(), '--check'])
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('The database is empty') })
    expect(result.stderr).toMatch(/--org NAME and --admin EMAIL[\s\S]*Nothing was changed/)
    expect(await stateOf(database)).toEqual(before)
    expect(existsSync(configOf(home))).toBe(false)
    await init([...servers(), ...organizationFlags])
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
  ])('rejects the password %s, which others could read', async (_, of) => {
    const url = new URL(database.url)
    url.password = 'MARKERpassword'
    const { flag } = of(url.href)
    const before = await stateOf(database)
    const args = [
      '--database-url',
      flag,
      '--vault-addr',
      vault.addr,
      '--vault-mount',
      vault.mount,
      ...organizationFlags,
    ]
    const result = await init([...args, '-o', 'json'])
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.not.stringContaining('MARKER') })
    const message = expect.stringMatching(/PGPASSWORD.*~\/\.pgpass.*database\.vaultRole/)
    expect(jsonError(result).fields).toEqual([{ field: 'database.url', message }])
    expect(await stateOf(database)).toEqual(before)
    expect(existsSync(configOf(home))).toBe(false)
  })

  test('accepts a password in the environment, and does not save it', async () => {
    const url = new URL(database.url)
    url.password = 'MARKERpassword'
    const result = await init(['--vault-addr', vault.addr, '--vault-mount', vault.mount, ...organizationFlags], {
      DSCTL_DATABASE_URL: url.href,
    })
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).toMatch(/database\.url was not saved/)
    expect(result.stderr + readFileSync(configOf(home), 'utf8')).not.toContain('MARKER')
    expect(profilesIn(home).default).toEqual({ 'vault.addr': vault.addr, 'vault.mount': vault.mount, org: 'Acme' })
  })

  test('changes nothing if Vault cannot be used', async () => {
    const before = await stateOf(database)
    const version1Mount = `${vault.mount}-one`
    await vault.request('POST', `sys/mounts/${version1Mount}`, { body: { type: 'kv', options: { version: '1' } } })
    const flags = (addr: string, mount: string) => [
      '--database-url',
      database.url,
      '--vault-addr',
      addr,
      '--vault-mount',
      mount,
      ...organizationFlags,
    ]
    for (const [args, exit, says, env] of [
      [flags('http://127.0.0.1:1', vault.mount), 7, /cannot be reached/, {}],
      [flags(vault.addr, 'nowhere'), 2, /no mount nowhere/, {}],
      [flags(vault.addr, version1Mount), 2, /KV version 1/, {}],
      [flags(vault.addr, vault.mount), 3, /No Vault token/, { VAULT_TOKEN: undefined }],
      [flags(vault.addr, vault.mount), 3, /does not accept the token/, { VAULT_TOKEN: 'hvs.MARKERtoken' }],
      [[...flags(vault.addr, vault.mount), '--vault-path', 'fixed'], 2, /\{id\}/, {}],
      [[...flags(vault.addr, vault.mount), '--vault-path', '{id}/../x'], 2, /vault\.path: must be names/, {}],
    ] as const) {
      const result = await init(args, env)
      expect(result).toMatchObject({ code: exit, stdout: '', stderr: expect.stringMatching(says) })
      expect(result.stderr).not.toContain('MARKER')
    }
    expect(await stateOf(database)).toEqual(before)
    expect(existsSync(configOf(home))).toBe(false)
    await vault.request('DELETE', `sys/mounts/${version1Mount}`)
  })

  test('warns of missing capabilities of the token', async () => {
    const policy = await vault.createPolicy(
      'some',
      `path "${vault.mount}/data/data-sources/*" { capabilities = ["create", "read"] }`,
    )
    const token = await vault.userToken({ email: 'admin@example.com', policies: [policy] })
    const result = await init([...servers(), ...organizationFlags], { VAULT_TOKEN: token })
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).toContain(`warning: The Vault token lacks update on ${vault.mount}/data/data-sources/{id}`)
    expect(result.stderr).toContain(
      `warning: The Vault token lacks delete on ${vault.mount}/metadata/data-sources/{id}`,
    )
  })

  test('reports a mount that the token cannot see, and stops', async () => {
    const token = await vault.userToken({ email: 'admin@example.com', policies: [] })
    const check = await init([...servers(), '--check'], { VAULT_TOKEN: token })
    expect(check).toMatchObject({ code: 0, stdout: '' })
    expect(check.stderr).toContain(`this token cannot see the mount ${vault.mount}`)
    expect(check.stderr).not.toMatch(/KV version 2|secrets enable|lacks/)
    const made = await init([...servers(), ...organizationFlags, '-o', 'json'], { VAULT_TOKEN: token })
    expect(jsonError(made)).toMatchObject({
      ...{
        exit_code: 2,
        message: expect.stringContaining(`The Vault mount ${vault.mount} is not visible to this token`),
      },
    })
    expect(await schemasIn(database)).toEqual(['public'])
  })

  test('fails without changes for a role that may not create tables', async () => {
    const { url } = await database.createRole()
    const before = await stateOf(database)
    const result = await init([
      '--database-url',
      url,
      '--vault-addr',
      vault.addr,
      '--vault-mount',
      vault.mount,
      ...organizationFlags,
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

test('init names each missing server setting and its flag', async () => {
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
