import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Attempt, byFlags, byRequest, expectRefusal, type Refusal } from '../../support/bad-input.ts'
import { plainFields, plainStored } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { BIN, cleanEnvironment, json, jsonError } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'

let site: Site
/** A postgres source for updates. */
let id: string

beforeAll(async () => {
  site = await createSite()
  const stdin = JSON.stringify({ name: 'Present', env: 'dev', type: 'postgres', ...plainFields })
  id = json(await site.dsctl(['create', '-f', '-', '-o', 'json'], { stdin })).id
})
afterAll(() => site?.drop())

const expectRefused = (attempt: Attempt, refusal: Refusal) => expectRefusal(site, attempt, refusal)

describe('reports every problem at once:', () => {
  test('of a request', async () => {
    const attempt = byRequest({
      name: 'n'.repeat(256),
      env: 'my env',
      host: 'https://db.example.com',
      port: 70000,
      password: '****',
      pasword: 'MARKERpassword',
      jump_host: 'j',
      default_database: undefined,
    })
    const fields = [
      'name',
      'env',
      'host',
      'port',
      'password',
      'pasword',
      'default_database',
      'ssh_username',
      'ssh_private_key',
    ]
    const says = /name: [\s\S]*env: [\s\S]*host: [\s\S]*default_database: is required/
    const cwd = folderWith({})
    const result = await site.dsctl([...attempt.args, '-o', 'json'], { stdin: attempt.stdin, cwd })
    expect(
      jsonError(result)
        .fields?.map(({ field }) => field)
        .sort(),
    ).toEqual([...fields].sort())
    await expectRefused(attempt, { fields: jsonError(result).fields?.map(({ field }) => field) ?? [], says })
  })

  test('of missing fields, with each flag, without a prompt', async () => {
    const { args } = byFlags({ username: undefined, password: undefined, 'default-database': undefined })
    const fields = ['username', 'password', 'default_database']
    await expectRefused({ args }, { fields, says: /Missing: --username, --password, --default-database\.$/m })
    const nothing = { args: ['create', '--type', 'postgres'] }
    const all = ['name', 'env', 'host', ...fields]
    await expectRefused(nothing, {
      fields: all,
      says: /NAME, --env ENV, --host, --username, --password, --default-database/,
    })
    await expectRefused(
      { args: ['create'] },
      { fields: ['name', 'env', 'type'], says: /NAME, --env ENV, --type TYPE, and the fields of that type/ },
    )
    const snowflake = { args: ['create', 'New', '--env', 'dev', '--type', 'snowflake'] }
    await expectRefused(snowflake, {
      fields: ['account_id', 'warehouse_id', 'username', 'default_database', 'password'],
      says: /--password or --private-key/,
    })
  })

  test('of fetched secrets', async () => {
    const tunnel = { 'jump-host': 'j', 'ssh-username': 'u', 'ssh-private-key': '@missing' }
    const says = /password: comes from NOT_SET[\s\S]*ssh_private_key: comes from missing, which does not exist/
    await expectRefused(byFlags({ ...tunnel, password: 'env:NOT_SET' }), {
      fields: ['password', 'ssh_private_key'],
      says,
    })
  })

  test('of an update', async () => {
    const attempt = { args: ['update', id, '--port', 'abc', '--host', 'a b', '--unset', 'username', 'nonsense'] }
    const result = await site.dsctl([...attempt.args, '-o', 'json'])
    const fields = jsonError(result).fields?.map(({ field }) => field) ?? []
    expect([...fields].sort()).toEqual(['host', 'nonsense', 'port', 'username'])
    await expectRefused(attempt, { fields, says: /is required and cannot be unset/, audited: true })
    expect((await site.vault.readSecret(`data-sources/${id}`))?.data).toEqual(plainStored)
  })

  test('does not wait for a standard input that stays open', async () => {
    const env = cleanEnvironment(site.env, site.home)
    const child = spawn(process.execPath, [BIN, 'create', '--type', 'postgres'], {
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
    const [code, signal] = await once(child, 'exit')
    clearTimeout(timer)
    child.stdin.destroy()
    expect({ code, signal }).toEqual({ code: 2, signal: null })
  })
})
