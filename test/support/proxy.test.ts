import { once } from 'node:events'
import { connect } from 'node:net'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { CUT_AFTER, CUT_BEFORE, call, delay, hold, SWALLOW, SWALLOW_ANSWER } from './faults.ts'
import { type PostgresProxy, postgresProxy } from './postgres-proxy.ts'
import { spawnNode } from './run.ts'
import { type ScratchDatabase, scratchDatabase, scratchVault } from './servers.ts'
import type { ScratchVault } from './vault.ts'
import { answerAfterwardsWith, answerWith, type VaultProxy, vaultProxy } from './vault-proxy.ts'
import { vaultRequest } from './vault-request.ts'
import { CANCEL_REQUEST, int32 } from './wire.ts'

let database: ScratchDatabase
let vault: ScratchVault
let postgres: PostgresProxy
let http: VaultProxy
const clients: pg.Client[] = []

beforeAll(async () => {
  database = await scratchDatabase()
  vault = await scratchVault()
  await database.query('CREATE TABLE seen (n int)')
})
beforeEach(async () => {
  await database.query('TRUNCATE seen')
  postgres = await postgresProxy(database.url)
  http = await vaultProxy(vault.addr)
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.end().catch(() => {})
  postgres.close()
  http.close()
})
afterAll(async () => {
  await database.drop()
  await vault.drop()
})

async function connected(timeout = 0): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: postgres.url, query_timeout: timeout })
  client.on('error', () => {})
  clients.push(client)
  await client.connect()
  return client
}

const insert = (client: pg.Client, n: number) => client.query('INSERT INTO seen VALUES ($1)', [n])
const seen = async () => (await database.query('SELECT n FROM seen ORDER BY n')).map(row => row.n)

test('statements are counted and named, whether simple, with parameters or prepared', async () => {
  const client = await connected()
  await client.query('SELECT 1')
  await client.query('SELECT $1::int', [1])
  await client.query({ name: 'named', text: 'SELECT $1::text', values: ['x'] })
  await client.query({ name: 'named', text: 'SELECT $1::text', values: ['y'] })
  await expect(client.query('nonsense')).rejects.toMatchObject({ code: '42601' })
  await client.end()
  const named = ['SELECT 1', 'SELECT $1::int', 'SELECT $1::text', 'SELECT $1::text', 'nonsense']
  expect(postgres.statements.map(statement => statement.sql)).toEqual(named)
  await expect.poll(() => postgres.events).toEqual(['startup', 'terminate'])
})

test('a statement cut before never runs; one cut after has run', async () => {
  postgres.at(2, CUT_BEFORE)
  const first = await connected()
  await insert(first, 1)
  await expect(insert(first, 2)).rejects.toThrow('Connection terminated unexpectedly')
  postgres.at(1, CUT_AFTER)
  await expect(insert(await connected(), 3)).rejects.toThrow('Connection terminated unexpectedly')
  expect(await seen()).toEqual([1, 3])
  await insert(await connected(), 4)
  expect(await seen()).toEqual([1, 3, 4])
})

test('a statement is matched by its SQL', async () => {
  postgres.at(/INSERT/, CUT_BEFORE)
  const client = await connected()
  await client.query('SELECT 1')
  await expect(insert(client, 1)).rejects.toThrow()
  postgres.clear()
  await insert(await connected(), 2)
  expect(await seen()).toEqual([2])
})

test('an answer can be lost, whether or not the statement ran', async () => {
  postgres.at(1, SWALLOW)
  postgres.at(2, SWALLOW_ANSWER)
  await expect(insert(await connected(200), 1)).rejects.toThrow('Query read timeout')
  await expect(insert(await connected(200), 2)).rejects.toThrow('Query read timeout')
  expect(await seen()).toEqual([2])
})

test('a held statement arrives after its sender has exited', async () => {
  const late = hold()
  postgres.at(1, late)
  const client = await connected()
  const answer = insert(client, 1)
  answer.catch(() => {})
  await expect.poll(() => postgres.statements.length).toBe(1)
  client.connection.stream.destroy()
  await expect(answer).rejects.toThrow()
  expect(await seen()).toEqual([])
  late.release()
  await expect.poll(seen).toEqual([1])
})

test('a statement can be delayed', async () => {
  postgres.at(1, delay(300))
  const client = await connected()
  const since = performance.now()
  await insert(client, 1)
  expect(performance.now() - since).toBeGreaterThan(290)
})

test('a hook runs before and after the statement', async () => {
  const states: number[][] = []
  const look = async () => states.push(await seen())
  postgres.at(1, call('before', look))
  postgres.at(1, call('after', look))
  await insert(await connected(), 1)
  expect(states).toEqual([[], [1]])
})

test('a child process can be killed at a statement', async () => {
  const script = `
    const client = new (require('pg').Client)(process.env.URL)
    client.connect().then(() => client.query('INSERT INTO seen VALUES (1)')).then(() => client.query('INSERT INTO seen VALUES (2)'))`
  const { child, result } = spawnNode(['-e', script], { env: { URL: postgres.url } })
  const kill = () => child.kill('SIGKILL')
  postgres.at(2, call('before', kill))
  postgres.at(2, CUT_BEFORE)
  expect(await result).toMatchObject({ code: null, signal: 'SIGKILL' })
  expect(await seen()).toEqual([1])
})

test('Postgres can be down, and up again', async () => {
  const client = await connected()
  await postgres.down()
  await expect(connected()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await expect(insert(client, 1)).rejects.toThrow()
  await postgres.up()
  await insert(await connected(), 2)
  expect(await seen()).toEqual([2])
})

test('a frozen Postgres accepts connections without answering until it is thawed', async () => {
  const client = await connected()
  postgres.freeze()
  const answer = insert(client, 1)
  const fresh = new pg.Client({ connectionString: postgres.url, connectionTimeoutMillis: 200 })
  fresh.on('error', () => {})
  await expect(fresh.connect()).rejects.toThrow('timeout')
  expect(await seen()).toEqual([])
  postgres.thaw()
  await answer
  expect(await seen()).toEqual([1])
})

test('a cancel request is recorded and forwarded', async () => {
  const socket = connect(Number(new URL(postgres.url).port), '127.0.0.1')
  socket.end(Buffer.concat([int32(16), int32(CANCEL_REQUEST), int32(1), int32(1)]))
  await once(socket.resume(), 'close')
  expect(postgres.events).toEqual(['cancel'])
})

const ask = (method: string, path: string, body?: unknown) =>
  vaultRequest(http.addr, vault.rootToken, { method, path, body })
const write = (name: string) => ask('POST', `${vault.mount}/data/${name}`, { data: { name } })

test('requests are recorded with the status of their answer', async () => {
  expect((await write('counted')).status).toBe(200)
  expect((await ask('GET', `${vault.mount}/data/none?version=1`)).status).toBe(404)
  expect(http.exchanges.map(({ method, path, status }) => ({ method, path, status }))).toEqual([
    { method: 'POST', path: `${vault.mount}/data/counted`, status: 200 },
    { method: 'GET', path: `${vault.mount}/data/none?version=1`, status: 404 },
  ])
})

test('a request cut before never runs; one cut after has run', async () => {
  http.at(1, CUT_BEFORE)
  http.at(2, CUT_AFTER)
  await expect(write('before')).rejects.toMatchObject({ code: 'ECONNRESET' })
  await expect(write('after')).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(await vault.readSecret('before')).toBeUndefined()
  expect(await vault.readSecret('after')).toMatchObject({ version: 1 })
})

test('the proxy can answer instead of Vault, before or after the request', async () => {
  http.at(/^POST .*refused/, answerWith(503, { errors: ['Vault is sealed'] }))
  http.at(/^POST .*done/, answerAfterwardsWith(500))
  expect(await write('refused')).toEqual({ status: 503, body: { errors: ['Vault is sealed'] } })
  expect((await write('done')).status).toBe(500)
  expect(await vault.readSecret('refused')).toBeUndefined()
  expect(await vault.readSecret('done')).toMatchObject({ version: 1 })
})

test('a held request arrives after its sender has exited', async () => {
  const late = hold()
  http.at(1, late)
  const script = `fetch(process.env.URL, { method: 'POST', headers: { 'X-Vault-Token': process.env.TOKEN }, body: '{"data":{}}' })`
  const url = `${http.addr}/v1/${vault.mount}/data/late`
  const { child, result } = spawnNode(['-e', script], { env: { URL: url, TOKEN: vault.rootToken } })
  await expect.poll(() => http.exchanges.length, { timeout: 10_000 }).toBe(1)
  child.kill('SIGKILL')
  await result
  expect(await vault.readSecret('late')).toBeUndefined()
  late.release()
  await expect.poll(() => vault.readSecret('late')).toMatchObject({ version: 1 })
})

test('Vault can be down, up again and frozen', async () => {
  await http.down()
  await expect(write('down')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await http.up()
  http.freeze()
  const answer = write('frozen')
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(await vault.readSecret('frozen')).toBeUndefined()
  http.thaw()
  expect((await answer).status).toBe(200)
})
