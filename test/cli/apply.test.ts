import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { addIntent } from '../support/intents.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { json, temporaryFolder } from '../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../support/site.ts'
import { everythingIn, livePairs } from '../support/stored.ts'
import { terminal } from '../support/terminal.ts'

// `apply` at a terminal, and with --verify.

const SECRET = 'MARKERverify'
let site: Site
let counter = 0
let env: string
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())
beforeEach(() => {
  env = `env${++counter}`
})

const request = (name: string, more: object = {}) => ({ name, env, type: 'postgres', ...plainFields, ...more })
const names = async () => (await livePairs(site)).filter(pair => pair.env === env).map(({ name }) => name)
const apply = (requests: readonly object[], ...args: string[]) =>
  site.dsctl(['apply', '-f', '-', '-o', 'json', ...args], { stdin: JSON.stringify(requests) })

function fileOf(requests: readonly object[]): string {
  const file = join(temporaryFolder(), 'requests.json')
  writeFileSync(file, JSON.stringify(requests))
  return file
}

describe('the question of --prune', () => {
  const at = (requests: readonly object[], ...args: string[]) =>
    terminal(['apply', '-f', fileOf(requests), '--env', env, '--prune', ...args], { env: site.env, home: site.home })
  beforeEach(async () => {
    const made = await apply(['A', 'B', 'C'].map(name => request(name)))
    expect(made.code, made.stderr).toBe(0)
  })

  test('lists what would be deleted, and deletes it after yes', async () => {
    const screen = at([request('A'), request('New')])
    await screen.waitFor(`Delete B (${env}), C (${env})?`)
    screen.type('y\n')
    expect((await screen.exit).code, screen.text()).toBe(0)
    expect(screen.text()).toContain('1 created, 1 unchanged, 2 deleted.')
    expect(await names()).toEqual(['A', 'New'])
  })

  test.each([
    ['Enter', '\n'],
    ['no', 'n\n'],
    ['Ctrl-C', '\u0003'],
  ])('%s changes nothing, and creates nothing either', async (_, keys) => {
    const before = await everythingIn(site)
    const screen = at([request('A', { port: 1 }), request('New')])
    await screen.waitFor(`Delete B (${env}), C (${env})?`)
    screen.type(keys)
    expect((await screen.exit).code, screen.text()).toBe(130)
    expect(await everythingIn(site)).toEqual(before)
  })

  test('is not asked with --yes, or if nothing would be deleted', async () => {
    const yes = at([request('A')], '--yes')
    expect((await yes.exit).code, yes.text()).toBe(0)
    const nothing = at([request('A')])
    expect((await nothing.exit).code, nothing.text()).toBe(0)
    expect(yes.text() + nothing.text()).not.toContain('?')
    expect(await names()).toEqual(['A'])
  })
})

describe.skipIf(ON_EMBEDDED)('progress', () => {
  let proxied: ProxiedSite
  beforeAll(async () => {
    proxied = await proxySite(site)
  })
  afterAll(() => proxied?.close())

  const many = () => Array.from({ length: 4 }, (_, at) => request(`Source ${at}`))
  const slowly = () =>
    proxied.vault.at(/^POST .*\/data\//, {
      before: async () => {
        await new Promise(resolve => setTimeout(resolve, 700))
        return undefined
      },
    })

  test('is shown at a terminal, counts up, and is cleared at the end', async () => {
    slowly()
    const args = ['apply', '-f', fileOf(many()), '--parallel', '1']
    const screen = terminal(args, { env: proxied.env, home: site.home })
    await screen.waitFor(/Applied [1-3] of 4/)
    await screen.waitFor(/NAME +ENV +OUTCOME/)
    expect((await screen.exit).code, screen.text()).toBe(0)
    expect(screen.text()).toContain('4 created.')
    // The line is cleared before the table is written.
    const afterLine = screen.raw().split('\r\u001b[2K').at(-1)
    expect(afterLine).toContain('NAME')
    expect(afterLine).not.toContain('Applied')
    await proxied.restore()
  })

  test('is not shown with --quiet', async () => {
    slowly()
    const args = ['apply', '-f', fileOf(many()), '--parallel', '1', '--quiet']
    const screen = terminal(args, { env: proxied.env, home: site.home })
    expect((await screen.exit).code, screen.text()).toBe(0)
    expect(screen.text()).not.toMatch(/Appl(ied|ying)/)
    await proxied.restore()
  })

  test('is not shown in a pipe', async () => {
    slowly()
    const result = await proxied.dsctl(['apply', '-f', fileOf(many()), '--parallel', '1'])
    expect([result.code, result.stderr]).toEqual([0, '4 created.\n'])
    await proxied.restore()
  })
})

describe.skipIf(ON_EMBEDDED)('apply --verify', () => {
  /** Connects to the Postgres of dsctl itself, which accepts any password. */
  const good = (name: string, more: object = {}) => {
    const url = new URL(site.database.url)
    const at = { host: url.hostname, port: Number(url.port || 5432), default_database: url.pathname.slice(1) }
    return request(name, { username: 'postgres', password: SECRET, ...at, ...more })
  }
  const nowhere = { host: 'no-such-host.invalid' }

  test('creates and updates only sources that connect', async () => {
    const first = await apply([good('Good'), good('Bad', nowhere), good('Also good')], '--verify')
    expect(first.code).toBe(8)
    expect(json(first)).toMatchObject([
      { name: 'Good', action: 'created' },
      { name: 'Bad', action: 'failed', id: null, error: { code: 'unhealthy', exit_code: 8 } },
      { name: 'Also good', action: 'created' },
    ])
    expect(json(first)[1].error.message).toMatch(/^The connection failed\. Stage resolve, dns_failed/)
    expect(await names()).toEqual(['Also good', 'Good'])
    expect(first.stdout + first.stderr).not.toContain(SECRET)

    const second = await apply([good('Good', nowhere), good('Also good', { default_schema: 'public' })], '--verify')
    expect(json(second)).toMatchObject([{ action: 'failed' }, { action: 'updated' }])
    const secrets = (await livePairs(site)).filter(pair => pair.env === env).map(({ secret }) => secret)
    expect(secrets).toMatchObject([{ default_schema: 'public' }, { host: good('').host }])
  })

  test('does not test unchanged sources, and prunes nothing after a failure', async () => {
    await apply([good('Kept', nowhere), good('Superfluous')])
    const unchanged = await apply([good('Kept', nowhere), good('Superfluous')], '--verify')
    expect(unchanged.code, unchanged.stderr).toBe(0)
    const prune = ['--env', env, '--prune', '--yes']
    const failed = await apply([good('Kept', nowhere), good('New', nowhere)], '--verify', ...prune)
    expect(failed.code).toBe(8)
    expect(failed.stderr).toContain('Nothing was pruned, because an item failed.')
    expect(await names()).toEqual(['Kept', 'Superfluous'])
  })
})

test('A partly failed prune reports what was deleted', async () => {
  const created = json(await apply([request('Kept'), request('Locked'), request('Old')]))
  await addIntent(site, { kind: 'update', state: 'open', id: created[1].id, underWay: true })
  const pruned = await apply([request('Kept')], '--env', env, '--prune', '--yes', '--timeout', '1')
  expect(pruned.code).toBe(8)
  expect(json(pruned)).toMatchObject([
    { name: 'Kept', action: 'unchanged' },
    { name: 'Locked', action: 'failed', error: { code: 'conflict' } },
    { name: 'Old', action: 'deleted' },
  ])
  expect(pruned.stderr).not.toContain('Nothing was pruned')
  expect(await names()).toEqual(['Kept', 'Locked'])
})
