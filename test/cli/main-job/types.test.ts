import { randomUUID } from 'node:crypto'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerOf } from '../../support/answer.ts'
import { examples, mainRequest, mainStored, plainStored } from '../../support/examples.ts'
import { json, jsonError } from '../../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../../support/site.ts'
import { wiretap } from '../../support/wiretap.ts'
import { dataSourcesOf, unique } from './data-sources.ts'

let site: Site
const { createDataSource, secretOf } = dataSourcesOf(() => site)

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

/** For tests that need Vault itself. */
const onServers = test.skipIf(ON_EMBEDDED)

describe('Every type', () => {
  test.each(examples)('$title: is created, shown and deleted', async ({ type, fields, stored, shown }) => {
    const request = { name: unique(type), env: 'dev', type, ...fields }
    const result = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(request) })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    const { id } = json(result)
    const expected = await answerOf(site, id, shown)
    expect(result.stdout).toBe(expected)
    expect(await secretOf(id)).toEqual(stored)
    expect(await site.dsctl(['get', request.name, '-o', 'json'])).toMatchObject({
      code: 0,
      stdout: expected,
      stderr: '',
    })
    expect(await site.dsctl(['delete', id, '--yes'])).toMatchObject({ code: 0, stdout: '' })
    expect(await secretOf(id)).toBeUndefined()
  })

  test('has an example here', async () => {
    const types = (await site.dsctl(['types', '-o', 'name'])).stdout.trim().split('\n')
    expect([...new Set(examples.map(({ type }) => type))].sort()).toEqual(types.sort())
  })

  test.each(examples)('$title: request and output match the schemas that types prints', async example => {
    const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, validateFormats: false })
    const request = { name: unique('Schema'), env: 'dev', type: example.type, ...example.fields }
    const requestSchema = json(await site.dsctl(['types', example.type, '-o', 'json']))
    expect(ajv.validate(requestSchema, request), ajv.errorsText()).toBe(true)
    expect(ajv.validate(requestSchema, { ...request, surplus: 1 })).toBe(false)
    const answer = await createDataSource(request)
    for (const args of [
      ['--schema', 'answer'],
      [example.type, '--schema', 'answer'],
    ]) {
      const schema = json(await site.dsctl(['types', ...args, '-o', 'json']))
      expect(ajv.validate(schema, answer), ajv.errorsText()).toBe(true)
      expect(ajv.validate(schema, { ...answer, created_by: undefined })).toBe(false)
      expect(
        ajv.validate(schema, {
          ...answer,
          credentials: { ...answer.credentials, host: 5, warehouse_id: 5, location: 5 },
        }),
      ).toBe(false)
    }
    await site.dsctl(['delete', answer.id, '--yes'])
  })

  onServers('is written to Vault as one object that begins with its type', async () => {
    const vault = await wiretap(site.vault.addr)
    const { id } = await createDataSource({ ...mainRequest, name: unique('Wire') }, { env: { VAULT_ADDR: vault.addr } })
    const write = vault.requests.find(({ path }) => path.endsWith(`/data/data-sources/${id}`))
    expect(write?.body).toBe(JSON.stringify({ options: { cas: 0 }, data: mainStored }))
    vault.close()
  })

  test('accepts a secret that uses aliases and extra keys', async () => {
    const name = unique('Foreign')
    const id = await site.addDataSource({ name, type: 'postgres' })
    const stored = {
      type: 'postgres',
      host: 'h',
      username: 'u',
      password: 'MARKERpassword',
      database: 'd',
      extra: 'MARKERtoken',
    }
    await site.vault.writeSecret(`data-sources/${id}`, stored)
    const shown = { host: 'h', username: 'u', password: '[REDACTED]', database: 'd' }
    expect(json(await site.dsctl(['get', name, '-o', 'json'])).credentials).toEqual(shown)
    await site.dsctl(['update', name, '--host', 'h2'])
    expect(await secretOf(id)).toEqual({ ...stored, host: 'h2' })
  })

  test('warns of a missing secret, which an update with all fields repairs', async () => {
    const name = unique('Broken')
    const id = await site.addDataSource({ name })
    const got = await site.dsctl(['get', name, '-o', 'json'])
    expect(got).toMatchObject({ code: 0, stderr: expect.stringContaining('warning') })
    expect(json(got).credentials).toBeNull()
    const some = await site.dsctl(['update', name, '--host', 'h', '-o', 'json'])
    expect(some.code).toBe(2)
    expect(jsonError(some).fields?.map(({ field }) => field)).toEqual(['username', 'password', 'default_database'])
    const all = ['--host', 'h', '--username', 'u', '--password', '-', '--default-database', 'd']
    const result = await site.dsctl(['update', name, ...all, '-o', 'json'], { stdin: 'MARKERpassword' })
    expect(result).toMatchObject({ code: 0 })
    expect(await secretOf(id)).toEqual({
      ...{ type: 'postgres', host: 'h', port: 5432, username: 'u', password: 'MARKERpassword', default_database: 'd' },
    })
  })

  test('reads the secret at the ID that the record names', async () => {
    const id = await site.addDataSource({ name: unique('Older') })
    const secretId = randomUUID()
    await site.database.query('UPDATE data_sources SET secret_id = $1 WHERE id = $2', [secretId, id])
    await site.vault.writeSecret(`data-sources/${secretId}`, plainStored)
    expect(json(await site.dsctl(['get', id, '-o', 'json'])).credentials).toMatchObject({ host: 'db.example.com' })
    await site.dsctl(['update', id, '--host', 'h2'])
    expect(await secretOf(secretId)).toMatchObject({ host: 'h2' })
    expect(await secretOf(id)).toBeUndefined()
    await site.dsctl(['delete', id, '--yes'])
    expect(await secretOf(secretId)).toBeUndefined()
  })
})
