import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf } from '../../support/answer.ts'
import { mainRequest, mainShown, mainStored } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json, jsonError, notes } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { everythingIn } from '../../support/stored.ts'
import { dataSourcesOf } from './data-sources.ts'

let site: Site
const { createDataSource, rowOf, secretOf } = dataSourcesOf(() => site)

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

// Each test goes on with the data source that the tests before it leave.
describe('A data source', () => {
  let id: string

  test('is created from a request in JSON; the output masks its secrets', async () => {
    const result = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(mainRequest) })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    id = json(result).id
    expect(result.stdout).toBe(await answerOf(site, id, mainShown))
    expect(await secretOf(id)).toEqual(mainStored)
    expect(await rowOf(id)).toMatchObject({
      name: 'Production PostgreSQL',
      env: 'production',
      type: 'postgres',
      secret_id: id,
      organization_id: site.organization.id,
      created_by: site.admin.id,
      updated_by: site.admin.id,
      onboarding_status: 'notStarted',
      onboarding_error: null,
      deleted_at: null,
    })
  })

  test('is listed with its ID, name, type and times', async () => {
    const result = await site.dsctl(['list', '--env', 'production', '-o', 'json'])
    const { updated_at } = JSON.parse(await answerOf(site, id, null))
    const item = { id, name: 'Production PostgreSQL', type: 'postgres', updated_at }
    const listed = [{ ...item, env: 'production', onboarding_status: 'notStarted' }]
    expect(result).toEqual({ code: 0, signal: null, stdout: `${JSON.stringify(listed, null, 2)}\n`, stderr: '' })
  })

  test('has the same output by ID and by name', async () => {
    const expected = await answerOf(site, id, mainShown)
    for (const args of [
      [id],
      [id.toUpperCase()],
      ['Production PostgreSQL'],
      ['Production PostgreSQL', '--env', 'production'],
    ]) {
      const result = await site.dsctl(['get', ...args, '-o', 'json'])
      expect(result, args.join(' ')).toEqual({ code: 0, signal: null, stdout: expected, stderr: '' })
    }
  })

  test('is shown with the live data sets that use it', async () => {
    const add = (name: string, deleted: string | null) =>
      site.database.query(
        `INSERT INTO datasets (id, name, data_source_id, organization_id, deleted_at)
         VALUES (gen_random_uuid(), $1, $2, $3, $4)`,
        [name, id, site.organization.id, deleted],
      )
    await add('Orders', null)
    await add('Customers', null)
    await add('Gone', '2020-01-01')
    const { data_sets } = json(await site.dsctl(['get', id, '-o', 'json']))
    expect(data_sets).toEqual([
      { id: expect.any(String), name: 'Customers' },
      { id: expect.any(String), name: 'Orders' },
    ])
    expect(Object.keys(data_sets[0])).toEqual(['id', 'name'])
    await site.database.query('DELETE FROM datasets WHERE data_source_id = $1', [id])
  })

  test('keeps its secret unchanged when renamed and moved to another env', async () => {
    const args = ['update', id, '--set-name', '  Renamed  ', '--set-env', 'staging', '-o', 'json']
    const result = await site.dsctl(args)
    expect(result.code).toBe(0)
    expect(JSON.parse(result.stderr)).toEqual({
      warnings: ['the white space around the name was removed.'],
      notes: ['Changed: name, env.'],
    })
    expect(result.stdout).toBe(await answerOf(site, id, mainShown))
    expect(json(result)).toMatchObject({ name: 'Renamed', env: 'staging' })
    expect(await site.vault.readSecret(`data-sources/${id}`)).toEqual({ version: 1, data: mainStored })
  })

  test('keeps its other credentials when some change', async () => {
    const args = ['update', 'Renamed', '--port', '6432', '--password', '-', '-o', 'json']
    const result = await site.dsctl(args, { stdin: 'a new MARKERpassword\n' })
    expect(result).toMatchObject({ code: 0, stderr: notes('Changed: port, password.') })
    expect(result.stdout).toBe(await answerOf(site, id, { ...mainShown, port: 6432 }))
    const data = { ...mainStored, port: 6432, password: 'a new MARKERpassword' }
    expect(await site.vault.readSecret(`data-sources/${id}`)).toEqual({ version: 2, data })
  })

  test('changes credentials and name in one update', async () => {
    const args = ['update', id, '--set-name', 'Both', '--host', 'db2.example.com', '-o', 'json']
    const result = await site.dsctl(args)
    expect(result).toMatchObject({ code: 0, stderr: notes('Changed: name, host.') })
    expect(json(result)).toMatchObject({ name: 'Both', credentials: { host: 'db2.example.com', port: 6432 } })
    expect(await rowOf(id)).toMatchObject({ name: 'Both', env: 'staging' })
    expect(await secretOf(id)).toMatchObject({ host: 'db2.example.com', port: 6432 })
  })

  test('loses its tunnel by --unset, and its schema by either name', async () => {
    const unset = ['jump_host', 'ssh-username', 'ssh_private_key', 'schema']
    const result = await site.dsctl(['update', id, '--unset', ...unset, '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('default_schema') })
    const left = {
      host: 'db2.example.com',
      port: 6432,
      username: 'db_user',
      password: '[REDACTED]',
      database: 'main_db',
    }
    expect(result.stdout).toBe(await answerOf(site, id, left))
    expect(Object.keys((await secretOf(id)) ?? {}).sort()).toEqual(
      ['type', 'host', 'port', 'username', 'password', 'default_database'].sort(),
    )
  })

  test('gets the default back for an unset field', async () => {
    const result = await site.dsctl(['update', id, '--unset', 'port', '-o', 'json'])
    expect(json(result)).toMatchObject({ credentials: { port: 5432 } })
  })

  test('is updated from a request file, including its name and env', async () => {
    const folder = folderWith({ 'change.yaml': 'name: From a file\nenv: production\nhost: db3.example.com\n' })
    const result = await site.dsctl(['update', id, '-f', join(folder, 'change.yaml'), '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stderr: notes('Changed: name, env, host.') })
    expect(json(result)).toMatchObject({
      name: 'From a file',
      env: 'production',
      credentials: { host: 'db3.example.com' },
    })
  })

  test('is updated from edited output of get; a masked secret stays unchanged', async () => {
    const answer = json(await site.dsctl(['get', id, '-o', 'json']))
    answer.credentials.host = 'db4.example.com'
    answer.credentials.schemas = ['sales']
    const before = await secretOf(id)
    const result = await site.dsctl(['update', id, '-f', '-', '-o', 'json'], { stdin: JSON.stringify(answer) })
    expect(result).toMatchObject({ code: 0, stderr: notes('Changed: host, default_schema.') })
    expect(await secretOf(id)).toEqual({ ...before, host: 'db4.example.com', default_schema: 'sales' })
  })

  test('is not updated from the output of another data source', async () => {
    const answer = json(await site.dsctl(['get', id, '-o', 'json']))
    const before = await everythingIn(site)
    const stdin = JSON.stringify({ ...answer, id: randomUUID(), db_type: 'mysql' })
    const result = await site.dsctl(['update', id, '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(jsonError(result).fields?.map(({ field }) => field)).toEqual(['id', 'type'])
    expect(await everythingIn(site)).toEqual(before)
  })

  test('is not written by an update that changes nothing', async () => {
    const answer = await site.dsctl(['get', id, '-o', 'json'])
    const { name, env } = json(answer)
    const { records, secrets, events } = await everythingIn(site)
    for (const args of [
      ['--set-name', name, '--set-env', env],
      ['--host', 'db4.example.com'],
      ['-f', '-'],
    ]) {
      const result = await site.dsctl(['update', id, ...args, '-o', 'json'], { stdin: answer.stdout })
      expect(result).toEqual({
        code: 0,
        signal: null,
        stdout: answer.stdout,
        stderr: notes('No changes: already up to date.'),
      })
    }
    expect(await everythingIn(site)).toMatchObject({ records, secrets, events })
  })

  test('is not written by an update with --dry-run', async () => {
    const before = await everythingIn(site)
    const args = ['update', id, '--set-name', 'Never', '--port', '7000', '--dry-run', '-o', 'json']
    const result = await site.dsctl(args)
    expect(result).toMatchObject({ code: 0, stderr: notes('Would change: name, port.') })
    expect(json(result)).toMatchObject({ name: 'Never', credentials: { port: 7000 } })
    expect(await everythingIn(site)).toEqual(before)
  })

  test('is deleted only with --yes if there is no terminal', async () => {
    const before = await everythingIn(site)
    const result = await site.dsctl(['delete', id])
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') })
    expect(await everythingIn(site)).toEqual(before)
  })

  test('is soft-deleted, and all versions of its secret are removed', async () => {
    const result = await site.dsctl(['delete', 'From a file', '--yes', '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(json(result)).toEqual([{ ref: 'From a file', action: 'deleted', error: null }])
    expect(await rowOf(id)).toMatchObject({ deleted_at: expect.any(Date), updated_by: site.admin.id })
    expect(await site.vault.listSecrets('data-sources')).not.toContain(id)
  })

  test('gives the same error, once deleted, as an unknown ID', async () => {
    const unknownId = randomUUID()
    for (const command of [['get'], ['update', '--port', '1'], ['update', '--set-name', 'x'], ['delete', '--yes']]) {
      const [verb = '', ...options] = command
      const deleted = await site.dsctl([verb, id, ...options, '-o', 'json'])
      const unknown = await site.dsctl([verb, unknownId, ...options, '-o', 'json'])
      expect(deleted).toMatchObject({ code: 5, stdout: '' })
      expect(deleted).toEqual({ ...unknown, stderr: unknown.stderr.replaceAll(unknownId, id) })
    }
    expect(await site.dsctl(['delete', id, '--yes', '--ignore-not-found'])).toMatchObject({ code: 0, stdout: '' })
  })

  test('can be created again under the name of a deleted one', async () => {
    const again = await createDataSource({ ...mainRequest, name: 'From a file' })
    expect(again.id).not.toBe(id)
    expect(await site.dsctl(['delete', again.id, '--yes'])).toMatchObject({ code: 0 })
  })
})
