import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { plainStored } from '../support/examples.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { createSite, type Site } from '../support/site.ts'
import { expireLeases, openIntentsIn } from '../support/stored.ts'
import { answerAfterwardsWith, answerWith } from '../support/vault-proxy.ts'

// Something between dsctl and Vault may replace a response, or answer with 200 what Vault has never seen.

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

test.each([
  ['that was carried out', answerAfterwardsWith(200, 'Welcome')],
  ['that never arrived', answerWith(200, 'Welcome')],
])('A response without a version to a write %s removes no secret', async (_, fault) => {
  const id = await site.addDataSource({ name: `replaced ${randomUUID()}` })
  await site.vault.writeSecret(`data-sources/${id}`, plainStored)
  proxied.vault.at(/^POST .*\/data\//, fault)
  const result = await proxied.dsctl(['update', id, '--port', '7000', '--timeout', '2', '-o', 'json'])
  await proxied.restore()
  await expireLeases(site)
  await site.dsctl(['doctor', '--fix'])
  const stored = (await site.vault.readSecret(`data-sources/${id}`))?.data
  expect(stored).toMatchObject({ port: result.code === 0 ? 7000 : plainStored.port })
  expect(await openIntentsIn(site)).toEqual([])
})
