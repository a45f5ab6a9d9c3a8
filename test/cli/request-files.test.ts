import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { call } from '../support/faults.ts'
import { proxySite } from '../support/proxied-site.ts'
import { dsctl, json, jsonError, type RunOptions, temporaryFolder } from '../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../support/site.ts'

// A request file may come from a pull request. These tests try what an attacker could write into it.

const CANARY = 'MARKERstolen'

let acme: Site
let folder: string
let other: string

beforeAll(async () => {
  acme = await createSite()
  folder = temporaryFolder()
  other = await create('Other', CANARY)
  await acme.vault.writeSecret('team/db', { password: 'from the team' })
})
afterAll(() => acme?.drop())

async function create(name: string, password: string): Promise<string> {
  const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields, password })
  return json(await acme.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
}

function asked(from: string, more: readonly string[] = [], env: RunOptions['env'] = {}) {
  writeFileSync(
    join(folder, 'request.json'),
    JSON.stringify({ name: 'New', env: 'dev', type: 'postgres', ...plainFields, password: { from } }),
  )
  const args = ['create', '-f', join(folder, 'request.json'), '--dry-run', '-o', 'json', ...more]
  return acme.dsctl(args, { home: folder, env: { ...acme.env, ...env } })
}

describe('With any --allow-from, a request file cannot read', () => {
  test.each(['VAULT_TOKEN', 'VAULT_SECRET_ID', 'PGPASSWORD', 'DATABASE_URL', 'DSCTL_DATABASE_URL'])(
    'the variable %s',
    async name => {
      const error = jsonError(await asked(`env:${name}`, ['--allow-from', 'env:*']))
      expect(error).toMatchObject({ exit_code: 2, fields: [{ field: 'password' }] })
      expect(error.fields?.[0]?.message).toBe('comes from a variable that a request file may never use')
    },
  )

  test('a token file by its name, a link or a hard link', async () => {
    writeFileSync(join(folder, '.vault-token'), CANARY)
    symlinkSync(join(folder, '.vault-token'), join(folder, 'soft'))
    linkSync(join(folder, '.vault-token'), join(folder, 'hard'))
    for (const name of ['.vault-token', 'soft', 'hard', './/.vault-token']) {
      const error = jsonError(await asked(`@${name}`, ['--allow-from', '@*']))
      expect(error.fields?.[0]?.message, name).toBe('comes from a file that a request file may never use')
    }
  })

  test('the key and the services of dsctl’s own connection to Postgres', async () => {
    mkdirSync(join(folder, '.postgresql'), { recursive: true })
    for (const name of ['.postgresql/postgresql.key', '.pg_service.conf']) {
      writeFileSync(join(folder, name), CANARY)
      const error = jsonError(await asked(`@${name}`, ['--allow-from', '@*']))
      expect(error.fields?.[0]?.message, name).toBe('comes from a file that a request file may never use')
    }
  })

  test.skipIf(ON_EMBEDDED)('a file that replaces another after it was checked', async () => {
    const inside = join(folder, 'inside')
    mkdirSync(inside, { recursive: true })
    writeFileSync(join(inside, 'in'), 'fine')
    const outside = temporaryFolder()
    for (const name of ['in', 'token']) writeFileSync(join(outside, name), CANARY)
    writeFileSync(join(folder, '.vault-token'), CANARY)
    const proxied = await proxySite(acme)
    for (const [from, place, instead, says] of [
      ['@link', 'link', join(folder, '.vault-token'), /a file that a request file may never use/],
      ['@link', 'link', join(outside, 'token'), /outside the folder of the request file/],
      ['@way/in', 'way', outside, /outside the folder of the request file/],
      ['@link', 'link', '/dev/zero', /not a regular file/],
    ] as const) {
      rmSync(join(folder, place), { force: true })
      symlinkSync(place === 'way' ? inside : join(inside, 'in'), join(folder, place))
      // The caller is looked up after the sources were checked, and before they are read.
      const swap = () => {
        symlinkSync(instead, join(folder, 'next'))
        renameSync(join(folder, 'next'), join(folder, place))
      }
      proxied.vault.at(/lookup-self/, call('before', swap))
      const result = await asked(from, [], proxied.env)
      expect(result.stdout + result.stderr).not.toContain(CANARY)
      expect(jsonError(result)).toMatchObject({ exit_code: 2, fields: [{ message: expect.stringMatching(says) }] })
      await proxied.restore()
      rmSync(join(folder, place))
      symlinkSync(place === 'way' ? inside : join(inside, 'in'), join(folder, place))
      expect(await asked(from)).toMatchObject({ code: 0 })
    }
    proxied.close()
  })

  test.skipIf(process.platform === 'win32')('a pipe without a writer', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const error = jsonError(await asked('@pipe', ['--allow-from', '@*']))
    expect(error.fields).toEqual([{ field: 'password', message: 'comes from something that is not a regular file' }])
  })

  test('another data source’s secret, by any spelling of its path', async () => {
    const { mount } = acme.vault
    for (const path of [
      `${mount}/data-sources/${other}`,
      `${mount}/data%2Dsources/${other}`,
      `${mount}/team/%2e%2e/data-sources/${other}`,
      `${mount}/team/../data-sources/${other}`,
      `${mount}/team/x?/../../data-sources/${other}`,
    ]) {
      const result = await asked(`vault:${path}#password`, ['--allow-from', `vault:${mount}/*`])
      expect(result.code, path).toBeGreaterThan(0)
      expect(result.stdout + result.stderr).not.toContain(CANARY)
    }
  })
})

describe('--allow-from', () => {
  test('allows the matching sources only', async () => {
    const { mount } = acme.vault
    const env = { DS_PW: 'x', OTHER_PW: 'y' }
    expect(await asked('env:DS_PW', ['--allow-from', 'env:DS_*'], env)).toMatchObject({ code: 0 })
    expect(await asked('env:OTHER_PW', ['--allow-from', 'env:DS_*'], env)).toMatchObject({ code: 2 })
    expect(await asked('env:DS_PW', [], { ...env, DSCTL_ALLOW_FROM: 'vault:x/* env:DS_*' })).toMatchObject({ code: 0 })
    expect(await asked(`vault:${mount}/other#password`, ['--allow-from', `vault:${mount}/team/*`])).toMatchObject({
      code: 2,
    })
  })

  test('must be a pattern of sources', async () => {
    const error = jsonError(await asked('env:DS_PW', ['--allow-from', 'DS_*']))
    expect(error).toMatchObject({ exit_code: 2, fields: [{ field: 'allow-from' }] })
  })
})

describe('A data source’s own secret', () => {
  test('means to keep it, and only for the same field', async () => {
    const id = await create('Own', 'kept')
    const file = join(folder, 'own.json')
    const own = `vault:${acme.vault.mount}/data-sources/${id}`
    writeFileSync(file, JSON.stringify({ host: 'db2.example.com', password: { from: `${own}#password` } }))
    const updated = await acme.dsctl(['update', id, '-f', file])
    expect(updated).toMatchObject({ code: 0, stderr: 'Changed: host.\n' })
    expect((await acme.vault.readSecret(`data-sources/${id}`))?.data).toMatchObject({ password: 'kept' })
    writeFileSync(file, JSON.stringify({ password: { from: `${own}#username` } }))
    expect(await acme.dsctl(['update', id, '-f', file])).toMatchObject({ code: 2 })
  })
})

test('a denied create or update reads no secret from Vault', async () => {
  const viewer = await acme.addPerson({ email: 'viewer@example.com', role: 'viewer' })
  const args = ['--type', 'postgres', '--host', 'h', '--username', 'u', '--default-database', 'd']
  const missing = ['--password', 'vault:none/none#password', '-o', 'json']
  const created = await dsctl(['create', 'X', '--env', 'dev', ...args, ...missing], { env: viewer.env })
  expect(jsonError(created)).toMatchObject({ exit_code: 4 })
  expect(jsonError(await dsctl(['update', other, ...missing], { env: viewer.env }))).toMatchObject({ exit_code: 4 })
})
