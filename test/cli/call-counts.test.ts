import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { mainRequest, plainFields } from '../support/examples.ts'
import { hold } from '../support/faults.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { json, type RunOptions } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

let site: Site
let proxied: ProxiedSite

beforeAll(async () => {
  site = await createSite()
  proxied = await proxySite(site)
})
afterEach(() => proxied.restore())
afterAll(async () => {
  proxied.close()
  await site.drop()
})

/** Runs a command that succeeds. Returns its calls to each server, in order, without ids. */
async function calls(args: readonly string[], options: RunOptions = {}) {
  const [statements, exchanges] = [proxied.postgres.statements.length, proxied.vault.exchanges.length]
  const result = await proxied.dsctl(args, options)
  expect(result.code, result.stderr).toBe(0)
  const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
  const asked = proxied.vault.exchanges
    .slice(exchanges)
    .map(({ method, path }) => `${method} ${path.replace(uuid, 'ID')}`)
  const identity = asked.filter(call => /auth|identity|sys/.test(call))
  return {
    postgres: proxied.postgres.statements
      .slice(statements)
      .map(({ sql }) => /\/\* dsctl (.*?) \*\//.exec(sql)?.[1] ?? sql),
    identity,
    vault: asked.filter(call => !identity.includes(call)),
    result,
  }
}

const WHO = ['GET auth/token/lookup-self', 'GET identity/entity/id/ID']
const data = (method: string) => `${method} ${site.vault.mount}/data/data-sources/ID`
const create = async (name: string) => {
  const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields })
  return json((await calls(['create', '-f', '-', '-o', 'json'], { stdin })).result).id
}

test('list takes one statement, also with --all up to 1000 records', async () => {
  for (const args of [['list'], ['list', '--all'], ['list', '--search', 'x', '--page', '3']]) {
    expect(await calls(args)).toMatchObject({ postgres: ['list'], identity: WHO, vault: [] })
  }
})

test('create takes two statements and one write', async () => {
  const counted = await calls(['create', '-f', '-'], { stdin: JSON.stringify(mainRequest) })
  expect(counted.postgres).toEqual(['begin create', 'commit create'])
  expect(counted).toMatchObject({ identity: WHO, vault: [data('POST')] })
})

test('create checks permission before it reads a source of a file', async () => {
  const { password: _, ...plain } = mainRequest
  const stdin = JSON.stringify({ ...plain, name: 'From a flag' })
  const env = { DSCTL_SECRET_P: 'example-1' }
  const flagged = await calls(['create', '-f', '-', '--password', 'env:DSCTL_SECRET_P', '-o', 'json'], { stdin, env })
  expect(flagged.postgres).toEqual(['begin create', 'commit create'])
  const named = { ...plain, name: 'From a file', password: { from: 'env:DSCTL_SECRET_P' } }
  const filed = await calls(['create', '-f', '-'], { stdin: JSON.stringify(named), env })
  const source = `vault:${site.vault.mount}/data-sources/${json(flagged.result).id}#password`
  const args = ['create', '-f', '-', '--password', source]
  const copied = await calls(args, { stdin: JSON.stringify({ ...plain, name: 'From Vault' }) })
  for (const { postgres } of [filed, copied]) {
    expect(postgres).toEqual(['find name', 'begin create', 'commit create'])
  }
})

test('get takes one statement and one read, by name and by id', async () => {
  const id = await create('To get')
  for (const ref of [id, 'To get']) {
    expect(await calls(['get', ref])).toMatchObject({ postgres: ['find'], identity: WHO, vault: [data('GET')] })
  }
})

test('diff takes one statement and export two, including their audit', async () => {
  const id = await create('Compared')
  const file = ['-f', '-', '-o', 'json']
  const stdin = JSON.stringify({ name: 'Compared', env: 'dev', type: 'postgres', ...plainFields })
  expect(await calls(['diff', ...file], { stdin })).toMatchObject({
    ...{ postgres: ['find names'], identity: WHO, vault: [data('GET')] },
  })
  await calls(['update', id, '--set-env', 'alone'])
  expect(await calls(['export', '--env', 'alone'])).toMatchObject({
    ...{ postgres: ['list'], identity: WHO, vault: [data('GET')] },
  })
})

test('an update of plain fields takes one statement and one read', async () => {
  const id = await create('Plain')
  for (const args of [
    ['--set-name', 'Plainer'],
    ['--set-env', 'prod'],
    ['--set-name', 'Plainer'],
  ]) {
    expect(await calls(['update', id, ...args])).toMatchObject({
      postgres: ['update'],
      identity: WHO,
      vault: [data('GET')],
    })
  }
})

test('an update of plain fields reads no credentials that it does not print', async () => {
  const id = await create('Quiet')
  for (const format of ['id', 'name']) {
    const args = ['update', id, '--set-name', `Quiet ${format}`, '-o', format]
    expect(await calls(args)).toMatchObject({ postgres: ['update'], identity: WHO, vault: [] })
  }
})

test('an update of credentials takes three statements, a read and a write', async () => {
  const id = await create('Credentials')
  for (const args of [
    ['--port', '7000'],
    ['--port', '7001', '--set-name', 'New credentials'],
  ]) {
    const counted = await calls(['update', id, ...args])
    expect(counted.postgres).toHaveLength(3)
    expect(counted.postgres).toMatchObject({ 0: 'begin update', 2: 'commit update' })
    expect(counted).toMatchObject({ identity: WHO, vault: [data('GET'), data('POST')] })
  }
})

test('delete takes two statements and a removal, after checking token and mount', async () => {
  await create('To delete')
  const counted = await calls(['delete', 'To delete', '--yes'])
  expect(counted.postgres).toEqual(['begin delete', 'close intents'])
  expect(counted.vault).toEqual([`DELETE ${site.vault.mount}/metadata/data-sources/ID`])
  const mount = `GET sys/internal/ui/mounts/${site.vault.mount}`
  expect([...counted.identity].sort()).toEqual([...WHO, 'POST sys/capabilities-self', mount].sort())
})

test('connects to Postgres while Vault identifies the caller', async () => {
  for (const args of [['list'], ['get', 'Credentials'], ['create', '-f', '-', '--if-exists', 'skip']]) {
    const [started, statements] = [proxied.postgres.events.length, proxied.postgres.statements.length]
    const held = hold()
    proxied.vault.at(/lookup-self/, held)
    const asked = proxied.vault.exchanges.length
    const running = proxied.start(args, { stdin: JSON.stringify(mainRequest) })
    await expect.poll(() => proxied.vault.exchanges.length, { timeout: 10_000 }).toBeGreaterThan(asked)
    // The connection of an earlier command may end late.
    const events = () => proxied.postgres.events.slice(started).filter(event => event !== 'terminate')
    await expect.poll(events, { timeout: 10_000 }).toEqual(['startup'])
    expect(proxied.postgres.statements.slice(statements)).toEqual([])
    held.release()
    expect((await running.result).code, args.join(' ')).toBe(args[0] === 'get' ? 5 : 0)
    await proxied.restore()
  }
})

test('types, config and help make no calls', async () => {
  for (const args of [
    ['types'],
    ['types', 'postgres', '-o', 'json'],
    ['config', 'list'],
    ['--help'],
    ['create', '--help'],
  ]) {
    expect(await calls(args)).toMatchObject({ postgres: [], identity: [], vault: [] })
  }
})

test('an invalid request makes no calls', async () => {
  const [statements, exchanges] = [proxied.postgres.statements.length, proxied.vault.exchanges.length]
  const stdin = JSON.stringify({ ...mainRequest, port: 'abc' })
  expect(await proxied.dsctl(['create', '-f', '-'], { stdin })).toMatchObject({ code: 2 })
  expect([proxied.postgres.statements.length, proxied.vault.exchanges.length]).toEqual([statements, exchanges])
})
