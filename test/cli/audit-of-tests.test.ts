import { afterAll, beforeAll, expect, test } from 'vitest'
import { creation } from '../support/requests.ts'
import { createSite, type Site } from '../support/site.ts'
import { eventsOf } from '../support/stored.ts'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

test('a test that does not connect is audited once, as failed', async () => {
  const login = { host: '127.0.0.1', port: 1, username: 'u', password: 'p', default_database: 'd' }
  const request = { name: 'Nowhere', env: 'dev', type: 'mysql', ...login }
  const { args, stdin } = creation(request)
  expect(await site.dsctl(args, { stdin })).toMatchObject({ code: 0 })
  expect(await site.dsctl(['test', 'Nowhere'])).toMatchObject({ code: 8 })
  expect(await site.dsctl(['test', '-f', '-'], { stdin: JSON.stringify(request) })).toMatchObject({ code: 8 })
  const events = await eventsOf(site, `action = 'test'`)
  expect(events).toMatchObject([
    { outcome: 'failed', name: 'Nowhere' },
    { outcome: 'failed', name: 'Nowhere' },
  ])
})
