import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { APPLICATION, APPLICATION_ADMIN, type ApplicationSite, applicationSite } from '../support/application.ts'
import { mainRequest, mainShown, plainFields } from '../support/examples.ts'
import { dsctl, json, jsonError, temporaryFolder } from '../support/run.ts'
import { schemasIn, stateOf } from '../support/schema.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from '../support/servers.ts'
import type { ScratchVault } from '../support/vault.ts'

let vault: ScratchVault
beforeAll(async () => {
  vault = await scratchVault()
})
afterAll(() => vault.drop())

const configOf = (home: string) => join(home, 'dsctl-config', 'config.json')

describe('init of an application’s database', () => {
  let site: ApplicationSite
  let before: Awaited<ReturnType<typeof stateOf>>

  beforeAll(async () => {
    site = await applicationSite()
    before = await stateOf(site.database)
  })
  afterAll(() => site.drop())

  test('changes nothing with --check', async () => {
    const result = await site.init(['--check'])
    expect(result).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('init would add dsctl’s own tables in schema dsctl'),
    })
    expect(await stateOf(site.database)).toEqual(before)
  })

  test('adds schema dsctl and changes nothing else', async () => {
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
    const unknownAdmin = await site.init(['--admin', 'zed@example.com', '--yes'])
    expect(unknownAdmin).toMatchObject({ code: 2, stderr: expect.stringContaining('zed@example.com is not an active') })
    expect(await site.init(['--admin', APPLICATION_ADMIN, '--yes'])).toMatchObject({ code: 0 })
  })

  test('lets all commands work, which leave the application’s columns unchanged', async () => {
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

  test('lets a deleted row keep its name if the application’s constraint does', async () => {
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

describe('init of any other database', () => {
  let database: ScratchDatabase
  beforeEach(async () => {
    database = await scratchDatabase()
  })
  afterEach(() => database.drop())

  const reportedDifferences = async () => {
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

  test('reports a missing table', async () => {
    await database.query(APPLICATION)
    await database.query('DROP TABLE datasets')
    expect(await reportedDifferences()).toEqual(['table datasets is missing'])
  })

  test('reports all missing tables if only one exists', async () => {
    await database.query('CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL, name text)')
    expect(await reportedDifferences()).toEqual([
      'table data_sources is missing',
      'table datasets is missing',
      'table organizations is missing',
      'table users_to_organizations is missing',
    ])
  })

  test('reports each difference', async () => {
    await database.query(APPLICATION)
    await database.query(`
      ALTER TABLE data_sources DROP CONSTRAINT data_sources_name, DROP COLUMN env, ALTER secret_id TYPE text,
        ALTER created_at TYPE timestamp;
      ALTER TABLE organizations DROP COLUMN deleted_at;
      ALTER TABLE users_to_organizations ALTER status DROP DEFAULT, ALTER status TYPE text;
      ALTER TABLE datasets RENAME COLUMN name TO title;`)
    const differences = (await reportedDifferences()) ?? []
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

  test('reports a missing enum label', async () => {
    await database.query(APPLICATION.replace(`'workspace_admin', 'data_admin', `, `'admin', `))
    expect(await reportedDifferences()).toEqual([
      expect.stringMatching(/users_to_organizations\.role .*workspace_admin, data_admin/),
    ])
  })

  test('ignores tables with other names', async () => {
    await database.query('CREATE TABLE invoices (id int PRIMARY KEY); INSERT INTO invoices VALUES (1)')
    const args = ['--database-url', database.url, '--vault-addr', vault.addr, '--vault-mount', vault.mount]
    const env = { VAULT_TOKEN: vault.rootToken }
    const result = await dsctl(['init', ...args, '--org', 'Acme', '--admin', 'a@example.com'], { env })
    expect(result.code, result.stderr).toBe(0)
    expect(await database.query('SELECT id FROM invoices')).toEqual([{ id: 1 }])
  })
})
