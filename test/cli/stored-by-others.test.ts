import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ExactNumber } from '../../src/lib/exact-json.ts'
import { diagnose } from '../support/doctor.ts'
import { addIntent } from '../support/intents.ts'
import { creation } from '../support/requests.ts'
import { json } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { serviceAccount } from '../unit/source-types/samples.ts'

// Secrets that the application wrote, or an earlier version of dsctl: what dsctl was not asked to change stays as it is.

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const DIGITS = new ExactNumber('123456789012345678901')
const login = { username: 'u', password: 'p' }

/**
 * Keys that dsctl does not know, with values that are easily changed by reading and writing them. Vault keeps all digits
 * of a number; OpenBao rounds them when it stores them.
 */
const OF_THE_APPLICATION = {
  numbers: {
    digits: DIGITS,
    version: new ExactNumber('1.0'),
    list: [0.1, -5, new ExactNumber('0.1000000000000000055')],
  },
  feature_flag: false,
  nothing: null,
  empty: '',
  labels: ['a', { b: [] }],
}

const SECRETS: Readonly<Record<string, Record<string, unknown>>> = {
  postgres: { type: 'postgres', host: 'h', port: '5432', ...login, database: 'd', schema: 's', ssl_mode: null },
  redshift: { host: 'h', ...login, default_database: 'd', schemas: ['s'] },
  supabase: { type: 'supabase', host: 'h', port: 5432, ...login, database: 'd', schemas: ['s', 't'] },
  mysql: { type: 'MySQL 8', host: 'h', port: 3306, ...login, database: 'd', idle_timeout_seconds: '' },
  mariadb: { type: 'mariadb', host: 'h', port: 3306, ...login, default_database: 'd' },
  sqlserver: { type: 'sqlserver', server: 'h', port: 1433, ...login, database: 'd', schema: 's', encrypt: 'true' },
  databricks: { host: 'h', api_key: 'k', warehouse_id: 'w', default_catalog: 'c', schema: 's' },
  snowflake: { account_id: 'a', warehouse_id: 'w', ...login, database: 'd', private_key_passphrase: '', schema: 's' },
  bigquery: {
    credentials_json: JSON.stringify(serviceAccount),
    default_project_id: serviceAccount.project_id,
    default_dataset_id: 'd',
  },
}

/** A change of one field, and what it does to the secret. */
const CHANGES: readonly [type: string, args: string[], change: Record<string, unknown>][] = [
  ['postgres', ['--host', 'new'], { host: 'new' }],
  ['postgres', ['--default-schema', 'new'], { schema: 'new' }],
  ['postgres', ['--port', '5433', '--default-database', 'new'], { port: '5433', database: 'new' }],
  ['postgres', ['--unset', 'default_schema'], { schema: undefined }],
  ['postgres', ['--ssl-mode', 'require'], { ssl_mode: 'require' }],
  ['redshift', ['--default-schema', 'new', '--default-database', 'new'], { schemas: ['new'], default_database: 'new' }],
  ['supabase', ['--username', 'new'], { username: 'new' }],
  ['supabase', ['--default-schema', 'new'], { schemas: ['new'] }],
  ['mysql', ['--idle-timeout-seconds', '5', '--host', 'new'], { idle_timeout_seconds: 5, host: 'new' }],
  ['mariadb', ['--port', '3307'], { port: 3307 }],
  ['sqlserver', ['--host', 'new'], { server: 'new' }],
  ['sqlserver', ['--encrypt', 'false', '--instance', 'i'], { encrypt: 'false', instance: 'i' }],
  ['databricks', ['--default-catalog', 'new'], { default_catalog: 'new' }],
  ['snowflake', ['--default-database', 'new', '--unset', 'schema'], { database: 'new', schema: undefined }],
  ['bigquery', ['--default-dataset', 'new'], { default_dataset_id: 'new' }],
  ['bigquery', ['--project-id', 'new'], { default_project_id: 'new' }],
]

/** `secret` is as the server has stored it. */
async function added(type: string, given: Record<string, unknown>) {
  const name = `${type} ${randomUUID()}`
  const id = await site.addDataSource({ name, type })
  await site.vault.writeSecret(`data-sources/${id}`, given)
  return { id, name, secret: (await secretOf(id))?.data ?? {} }
}

const secretOf = (id: string) => site.vault.readSecret(`data-sources/${id}`)

describe('a secret that another program wrote', () => {
  test.each(CHANGES)('of %s keeps its keys with update %j', async (type, args, change) => {
    const { id, secret } = await added(type, { ...SECRETS[type], ...OF_THE_APPLICATION })
    const result = await site.dsctl(['update', id, ...args])
    expect(result, result.stderr).toMatchObject({ code: 0 })
    const expected = Object.entries({ ...secret, ...change }).filter(([, value]) => value !== undefined)
    expect((await secretOf(id))?.data).toEqual(Object.fromEntries(expected))
  })

  test.each(Object.keys(SECRETS))('of %s is the same as its export', async type => {
    const { id, name } = await added(type, { ...SECRETS[type], ...OF_THE_APPLICATION })
    const all = json(await site.dsctl(['export', '--type', type, '-o', 'json']))
    const stdin = JSON.stringify(all.filter((request: { name: string }) => request.name === name))
    expect(await site.dsctl(['diff', '-f', '-'], { stdin })).toMatchObject({ code: 0 })
    const applied = await site.dsctl(['apply', '-f', '-', '-o', 'json'], { stdin })
    expect(json(applied)).toMatchObject([{ name, action: 'unchanged' }])
    expect((await secretOf(id))?.version).toBe(1)
  })

  test('is changed by apply in place', async () => {
    const { id, name, secret } = await added('sqlserver', { ...SECRETS.sqlserver, ...OF_THE_APPLICATION })
    const request = { name, env: 'dev', type: 'sqlserver', host: 'new', ...login, default_database: 'd' }
    const stdin = JSON.stringify(request)
    const differences = json(await site.dsctl(['diff', '-f', '-', '-o', 'json'], { stdin }))
    expect(JSON.stringify(differences)).toMatch(/"host".*"h".*"new"/)
    expect(await site.dsctl(['apply', '-f', '-'], { stdin })).toMatchObject({ code: 0 })
    expect((await secretOf(id))?.data).toEqual({ ...secret, server: 'new' })
  })

  test('gets a changed field under both names if it has two', async () => {
    const { id, secret } = await added('sqlserver', { ...SECRETS.sqlserver, host: 'h1', server: 'h2' })
    expect(json(await site.dsctl(['get', id, '-o', 'json'])).credentials.host).toBe('h1')
    expect(await site.dsctl(['update', id, '--host', 'new'])).toMatchObject({ code: 0 })
    expect((await secretOf(id))?.data).toEqual({ ...secret, host: 'new', server: 'new' })
    expect(await site.dsctl(['update', id, '--unset', 'schema'])).toMatchObject({ code: 0 })
    expect((await secretOf(id))?.data).not.toHaveProperty('schema')
  })

  test('is restored exactly when an update of it is rolled back', async () => {
    const { id, secret } = await added('postgres', { ...SECRETS.postgres, ...OF_THE_APPLICATION })
    await site.vault.writeSecret(`data-sources/${id}`, { ...secret, host: 'half done' })
    await addIntent(site, { kind: 'update', state: 'open', id, baseVersion: 1 })
    await diagnose(site, ['--fix'])
    expect(await secretOf(id)).toEqual({ version: 3, data: secret })
  })

  test('is healthy', async () => {
    const { id } = await added('databricks', { ...SECRETS.databricks, ...OF_THE_APPLICATION })
    expect((await diagnose(site, ['--deep'])).of('secrets').items).not.toContain(id)
  })

  test('is shown with all digits of a number', async () => {
    const { id, secret } = await added('databricks', { ...SECRETS.databricks, warehouse_id: DIGITS })
    const shown = await site.dsctl(['get', id, '-o', 'json'])
    expect(String(json(shown).credentials.warehouse_id)).toBe(String(secret.warehouse_id))
  })
})

describe('the type in a secret', () => {
  test.each([
    ['mariadb', 'mysql'],
    ['supabase', 'postgres'],
    ['redshift', 'redshift'],
  ])('of a %s data source is %s', async (type, family) => {
    const stdin = { name: randomUUID(), env: 'dev', type, host: 'h', ...login, default_database: 'd' }
    const { args, stdin: request } = creation(stdin)
    const created = json(await site.dsctl(args, { stdin: request }))
    expect(created.db_type).toBe(type)
    expect((await secretOf(created.id))?.data).toMatchObject({ type: family })
  })

  test('may be the name of the type, and then stays', async () => {
    const { id } = await added('mariadb', { ...SECRETS.mariadb })
    expect((await diagnose(site, ['--deep'])).of('secrets').items).not.toContain(id)
    expect(await site.dsctl(['update', id, '--host', 'new'])).toMatchObject({ code: 0 })
    expect((await secretOf(id))?.data).toMatchObject({ type: 'mariadb', host: 'new' })
  })
})
