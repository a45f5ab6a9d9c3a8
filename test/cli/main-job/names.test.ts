import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../../support/examples.ts'
import { json, jsonError, notes } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { eventsOf, everythingIn } from '../../support/stored.ts'
import { dataSourcesOf, unique } from './data-sources.ts'

let site: Site
const { createPlain, secretOf } = dataSourcesOf(() => site)

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

describe('Names', () => {
  test('create fails with a conflict that names the holder', async () => {
    const { name, id } = await createPlain()
    const before = await everythingIn(site)
    const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields })
    const result = await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 6, stdout: '' })
    expect(jsonError(result)).toMatchObject({
      code: 'conflict',
      status: 409,
      exit_code: 6,
      message: expect.stringContaining(`${name} in env dev is taken`),
      hint: expect.stringMatching(new RegExp(`${id}.*--if-exists skip or update`)),
    })
    const { records, secrets, intents } = await everythingIn(site)
    expect({ records, secrets, intents }).toEqual({
      records: before.records,
      secrets: before.secrets,
      intents: before.intents,
    })
  })

  test('create --if-exists skip changes nothing', async () => {
    const { name, id } = await createPlain()
    const before = await secretOf(id)
    const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields, host: 'other' })
    const result = await site.dsctl(['create', '-f', '-', '--if-exists', 'skip', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 0, stderr: notes('Already exists: skipped.') })
    // The caller asked to skip, so the audit trail has no failure.
    expect(await eventsOf(site, `outcome = 'failed' AND data_source_name = $1`, [name])).toEqual([])
    expect(json(result)).toMatchObject({ id, credentials: { host: 'db.example.com' } })
    expect(await secretOf(id)).toEqual(before)
  })

  test('create --if-exists update applies the request, or reports no change', async () => {
    const { name, id } = await createPlain({ default_schema: 'kept' })
    const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields, host: 'other' })
    const args = ['create', '-f', '-', '--if-exists', 'update', '-o', 'json']
    const first = await site.dsctl(args, { stdin })
    expect(first).toMatchObject({ code: 0, stderr: notes('Already exists: updated.') })
    expect(json(first)).toMatchObject({ id, credentials: { host: 'other', schemas: ['kept'] } })
    const version = await site.vault.readSecret(`data-sources/${id}`)
    expect(await site.dsctl(args, { stdin })).toMatchObject({ code: 0, stderr: notes('Already exists: unchanged.') })
    expect(await site.vault.readSecret(`data-sources/${id}`)).toEqual(version)
  })

  test('create --if-exists creates the data source if the name is free', async () => {
    for (const policy of ['skip', 'update', 'fail']) {
      const stdin = JSON.stringify({ name: unique('Free'), env: 'dev', type: 'postgres', ...plainFields })
      const result = await site.dsctl(['create', '-f', '-', '--if-exists', policy, '-o', 'json'], { stdin })
      expect(result).toMatchObject({ code: 0, stderr: '' })
    }
  })

  test('create --dry-run checks the request and writes nothing', async () => {
    const { name } = await createPlain()
    const before = await everythingIn(site)
    const dryRun = (request: object) =>
      site.dsctl(['create', '-f', '-', '--dry-run', '-o', 'json'], { stdin: JSON.stringify(request) })
    const request = { name: unique('Dry'), env: 'dev', type: 'postgres', ...plainFields }
    expect(await dryRun(request)).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('nothing was written'),
    })
    expect(await dryRun({ ...request, name })).toMatchObject({ code: 6, stdout: '' })
    expect(await dryRun({ ...request, port: 0 })).toMatchObject({ code: 2, stdout: '' })
    expect(await everythingIn(site)).toEqual(before)
  })

  test('a rename to a taken name fails, with or without new credentials', async () => {
    const [one, two] = [await createPlain(), await createPlain()]
    const before = await everythingIn(site)
    for (const options of [[], ['--port', '7000']]) {
      const result = await site.dsctl(['update', one.id, '--set-name', two.name, ...options, '-o', 'json'])
      expect(result).toMatchObject({ code: 6, stdout: '' })
      expect(jsonError(result).message).toBe(`The name ${two.name} in its env is taken.`)
    }
    const { records, secrets } = await everythingIn(site)
    expect({ records, secrets }).toEqual({ records: before.records, secrets: before.secrets })
  })

  test('a name may exist in two envs, and is then ambiguous without --env', async () => {
    const name = unique('Twice')
    const dev = await createPlain({ name })
    const prod = await createPlain({ name, env: 'prod' })
    const before = await everythingIn(site)
    for (const [verb = '', ...options] of [
      ['get'],
      ['update', '--port', '1'],
      ['update', '--set-name', 'x'],
      ['delete', '--yes'],
    ]) {
      const result = await site.dsctl([verb, name, ...options, '-o', 'json'])
      expect(result).toMatchObject({ code: 2, stdout: '' })
      const { fields, hint } = jsonError(result)
      expect(fields).toEqual([
        { field: 'env', message: expect.stringMatching(new RegExp(`dev.*${dev.id}`)) },
        { field: 'env', message: expect.stringMatching(new RegExp(`prod.*${prod.id}`)) },
      ])
      expect(hint).toContain('--env')
    }
    const { records, secrets } = await everythingIn(site)
    expect({ records, secrets }).toEqual({ records: before.records, secrets: before.secrets })
    expect(json(await site.dsctl(['get', name, '--env', 'prod', '-o', 'json'])).id).toBe(prod.id)
    expect(json(await site.dsctl(['get', name, '-o', 'json'], { env: { DSCTL_ENV: 'dev' } })).id).toBe(dev.id)
    expect(await site.dsctl(['get', dev.id, '-o', 'id'])).toMatchObject({ stdout: `${dev.id}\n` })
    expect(await site.dsctl(['delete', name, '--env', 'dev', '--yes'])).toMatchObject({ code: 0 })
    expect(json(await site.dsctl(['get', name, '-o', 'json'])).id).toBe(prod.id)
  })
})

describe('delete of several', () => {
  test('reports the result of each, and exits 8 if one fails', async () => {
    const [one, two] = [await createPlain(), await createPlain()]
    const none = randomUUID()
    const result = await site.dsctl(['delete', one.id, none, two.name, '--yes', '-o', 'json'])
    expect(result.code).toBe(8)
    expect(json(result)).toEqual([
      { ref: one.id, action: 'deleted', error: null },
      {
        ref: none,
        action: 'failed',
        error: { code: 'not_found', exit_code: 5, message: expect.stringContaining(none), hint: expect.any(String) },
      },
      { ref: two.name, action: 'deleted', error: null },
    ])
    for (const { id } of [one, two]) expect(await secretOf(id)).toBeUndefined()
    expect(jsonError(result)).toMatchObject({ code: 'unhealthy', exit_code: 8 })
  })

  test('succeeds with --ignore-not-found if one does not exist', async () => {
    const { id } = await createPlain()
    const none = randomUUID()
    const result = await site.dsctl(['rm', none, id, '--yes', '--ignore-not-found', '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stderr: expect.not.stringContaining('could not') })
    expect(json(result).map(({ action }: { action: string }) => action)).toEqual(['not found', 'deleted'])
  })
})
