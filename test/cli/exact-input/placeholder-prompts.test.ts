import { afterAll, beforeAll, expect, test } from 'vitest'
import { json } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { terminal } from '../../support/terminal.ts'

const ENTER = '\r'

let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site.drop())

const open = (name: string, ...more: readonly string[]) => {
  const fields = ['--type', 'mysql', '--env', 'dev', '--host', 'h', '--username', 'u', '--port', '1']
  const args = ['create', name, ...fields, '--default-database', 'd', ...more]
  return terminal(args, { home: site.home, env: { ...site.env, NO_COLOR: '1' } })
}

test('A prompt refuses a placeholder, and stores it with --allow-placeholder', async () => {
  const refused = open('Refused')
  await refused.waitFor('Password')
  refused.type(`{{ password }}${ENTER}`)
  await refused.waitFor('is an unfilled placeholder')
  refused.type('\u0003')
  expect(await refused.exit).toMatchObject({ code: 130 })

  const allowed = open('Allowed', '--allow-placeholder')
  for (const [question, keys] of [
    ['Password', `{{ password }}${ENTER}`],
    ['Connect through an SSH jump host?', ENTER],
    ['More settings?', ENTER],
    ['Save this data source?', ENTER],
  ] as const) {
    await allowed.waitFor(question)
    allowed.type(keys)
  }
  expect(await allowed.exit, allowed.text()).toMatchObject({ code: 0 })
  const [{ id }] = json(await site.dsctl(['list', '--search', 'Allowed', '-o', 'json']))
  expect((await site.vault.readSecret(`data-sources/${id}`))?.data.password).toBe('{{ password }}')
})
