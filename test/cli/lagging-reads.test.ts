import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { plainFields, plainStored } from '../support/examples.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { json, jsonError, type RunResult } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { eventsOf, expireLeases, openIntentsIn, orphanSecretsIn } from '../support/stored.ts'
import { answerAfterwardsWith, answerWith } from '../support/vault-proxy.ts'

// A standby node that serves reads may lag behind the active node: it returns old versions and lacks new ones. Here the
// proxy sends the responses of such a node.

let site: Site
let proxied: ProxiedSite

beforeAll(async () => {
  site = await createSite()
  proxied = await proxySite(site)
})
afterEach(() => proxied.restore())
afterAll(async () => {
  proxied?.close()
  await site?.drop()
})

const NOT_THERE = answerWith(404, { errors: [] })
const OLD = answerWith(200, { data: { data: plainStored, metadata: { version: 1, destroyed: false } } })

async function stored(): Promise<string> {
  const id = await site.addDataSource({ name: `lagging ${randomUUID()}` })
  await site.vault.writeSecret(`data-sources/${id}`, plainStored)
  return id
}

/** Runs an update whose write succeeds but gets a 500, so that its retry conflicts with its own write. */
function update(id: string): Promise<RunResult> {
  let lost = false
  proxied.vault.at(/^POST .*\/data\//, {
    after() {
      if (lost) return undefined
      lost = true
      return answerAfterwardsWith(500).after()
    },
  })
  return proxied.dsctl(['update', id, '--port', '7000', '--timeout', '2', '-o', 'json'])
}

async function expectOld(id: string) {
  expect((await site.vault.readSecret(`data-sources/${id}`))?.data).toEqual(plainStored)
  expect(await openIntentsIn(site)).toEqual([])
  expect(await orphanSecretsIn(site)).toEqual([])
  const events = await eventsOf(site, `action = 'update' AND data_source_id = $1`, [id])
  expect(events.map(({ outcome }) => outcome)).toEqual(['failed'])
}

test('An update whose retry cannot see its own write is rolled back', async () => {
  const id = await stored()
  proxied.vault.at(/^GET .*\/data\/.*version=2/, NOT_THERE)
  const result = await update(id)
  expect(result, result.stderr).toMatchObject({ code: 7, stdout: '' })
  expect(jsonError(result)).toMatchObject({ outcome: 'none', message: expect.stringMatching(/does not show/) })
  await expectOld(id)
})

/** Runs a create whose write conflicts, because `writeFirst` has written to the path of its secret. */
function create(name: string, writeFirst: (path: string) => Promise<unknown>): Promise<RunResult> {
  let done = false
  proxied.vault.at(/^POST .*\/data\//, {
    async before({ path }) {
      if (!done) await writeFirst(path.slice(path.indexOf('data-sources/')))
      done = true
      return undefined
    },
  })
  const stdin = JSON.stringify({ name, env: 'dev', type: 'postgres', ...plainFields })
  return proxied.dsctl(['create', '-f', '-', '--timeout', '2', '-o', 'json'], { stdin })
}

test('A create that finds another secret at its path leaves it alone', async () => {
  const other = { type: 'postgres', host: 'other.example.com' }
  const name = `met ${randomUUID()}`
  let secretPath = ''
  const result = await create(name, path => {
    secretPath = path
    return site.vault.writeSecret(path, other)
  })
  expect(result, result.stderr).toMatchObject({ code: 6, stdout: '' })
  expect(jsonError(result)).toMatchObject({
    message: expect.stringMatching(/already has a secret at the path/),
    id: secretPath.slice(13),
  })
  expect(await openIntentsIn(site)).toEqual([])
  expect(await eventsOf(site, 'data_source_name = $1', [name])).toMatchObject([{ outcome: 'unknown' }])
  await site.dsctl(['doctor', '--fix'])
  expect((await site.vault.readSecret(secretPath))?.data).toEqual(other)
  expect(await site.dsctl(['get', name])).toMatchObject({ code: 5 })
  await site.vault.request('DELETE', `${site.vault.mount}/metadata/${secretPath}`)
})

test('A create that conflicts with an invisible write is rolled back', async () => {
  proxied.vault.at(/^GET .*\/data\//, NOT_THERE)
  const result = await create(`met ${randomUUID()}`, path => site.vault.writeSecret(path, plainStored))
  expect(result, result.stderr).toMatchObject({ code: 7, stdout: '' })
  expect(jsonError(result)).toMatchObject({ outcome: 'none', message: expect.stringMatching(/does not show/) })
  expect(await openIntentsIn(site)).toEqual([])
  expect(await orphanSecretsIn(site)).toEqual([])
})

// Vault has done the write, but the node that responds does not know it.
test.each([
  ['a standby redirects', () => ({ Location: site.vault.addr }), 307],
  ['a load balancer returns 503', () => ({}), 503],
])('An update and a create succeed if their write did: %s', async (_, headers, status) => {
  const id = await stored()
  let done = false
  const loseFirst = () =>
    proxied.vault.at(/^POST .*\/data\//, {
      after({ path }) {
        if (done) return undefined
        done = true
        const { Location } = headers() as { Location?: string }
        return { status, ...(Location && { headers: { Location: `${Location}/v1/${path}` } }) }
      },
    })
  loseFirst()
  const result = await proxied.dsctl(['update', id, '--port', '7000', '--set-env', 'prod', '-o', 'json'])
  expect(result, result.stderr).toMatchObject({ code: 0 })
  expect(done).toBe(true)
  expect((await site.vault.readSecret(`data-sources/${id}`))?.data).toEqual({ ...plainStored, port: 7000 })
  expect(await openIntentsIn(site)).toEqual([])
  const events = await eventsOf(site, `action = 'update' AND data_source_id = $1`, [id])
  expect(events).toMatchObject([{ outcome: 'done', after: { env: 'prod' } }])
  done = false
  const created = await create(`done ${randomUUID()}`, async () => {})
  expect(created, created.stderr).toMatchObject({ code: 0 })
  expect(done).toBe(true)
  expect((await site.vault.readSecret(`data-sources/${json(created).id}`))?.data).toEqual(plainStored)
})

test('A settler that sees only old versions times out and keeps the intent', async () => {
  const id = await stored()
  proxied.vault.at(/^GET .*\/data\/.*version=2/, NOT_THERE)
  // The first read is the update's own.
  let reads = 0
  proxied.vault.at(/^GET .*\/data\//, { before: () => (++reads > 1 ? OLD.before() : undefined) })
  const result = await update(id)
  expect(result, result.stderr).toMatchObject({ code: 7, signal: null, stdout: '' })
  expect(jsonError(result)).toMatchObject({
    outcome: 'undoing',
    hint: expect.stringMatching(/doctor --fix to settle it/),
  })
  expect(await openIntentsIn(site)).toMatchObject([{ state: 'undoing', data_source_id: id }])
  // The next writer, which does not see it either, does not wait forever.
  const next = await proxied.dsctl(['update', id, '--username', 'other', '--timeout', '2', '-o', 'json'])
  expect(next, next.stderr).toMatchObject({ code: 6, signal: null, stdout: '' })
  // Nor does doctor, and it does not flood Vault with requests.
  await expireLeases(site)
  const since = proxied.vault.exchanges.length
  const doctor = await proxied.dsctl(['doctor', '--fix', '--timeout', '2', '-o', 'json'])
  expect(doctor, doctor.stderr).toMatchObject({ code: 8, signal: null })
  expect(json(doctor)).toContainEqual(expect.objectContaining({ check: 'pending', status: 'problem', items: [id] }))
  expect(proxied.vault.exchanges.length - since).toBeLessThan(100)
  await proxied.restore()
  await expireLeases(site)
  expect(await site.dsctl(['doctor', '--fix'])).toMatchObject({ code: 0 })
  await expectOld(id)
})
