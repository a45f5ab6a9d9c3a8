import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { folderWith } from '../support/requests.ts'
import { json, jsonError, type RunOptions, type RunResult } from '../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../support/site.ts'
import { everythingIn, livePairs, openIntentsIn, orphanSecretsIn } from '../support/stored.ts'
import { terminal } from '../support/terminal.ts'

// Deletes several data sources, by REFs or by requests in files.

let site: Site
let counter = 0
let env: string
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const request = (name: string, more: object = {}) => ({ name, env, type: 'postgres', ...plainFields, ...more })
const NAMES = ['A', 'B', 'C']
const names = async () => (await livePairs(site)).filter(pair => pair.env === env).map(({ name }) => name)
const remove = (args: readonly string[], options?: RunOptions) => site.dsctl(['delete', ...args, '-o', 'json'], options)
const removeFrom = (documents: unknown, ...args: string[]) =>
  remove(['-f', '-', '--yes', ...args], { stdin: JSON.stringify(documents) })
const outcomes = (result: RunResult) => json(result).map(({ ref, action }: Outcome) => `${ref} ${action}`)
interface Outcome {
  ref: string
  action: string
}

beforeEach(async () => {
  env = `env${++counter}`
  const made = await site.dsctl(['apply', '-f', '-'], { stdin: JSON.stringify(NAMES.map(name => request(name))) })
  expect(made.code, made.stderr).toBe(0)
})

describe('delete of one REF', () => {
  test('prints the same array as of several in JSON and YAML', async () => {
    const result = await remove(['A', '--env', env, '--yes'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(json(result)).toEqual([{ ref: 'A', action: 'deleted', error: null }])
    const missing = await remove(['A', '--env', env, '--yes', '--ignore-not-found'])
    expect([missing.code, json(missing)]).toEqual([0, [{ ref: 'A', action: 'not found', error: null }]])
    const yaml = await site.dsctl(['delete', 'B', '--env', env, '--yes', '-o', 'yaml'])
    expect(yaml).toMatchObject({ code: 0, stdout: '- ref: B\n  action: deleted\n  error: null\n', stderr: '' })
  })

  test('prints only a note for people, and only an error if it fails', async () => {
    const text = await site.dsctl(['delete', 'C', '--env', env, '--yes'])
    expect(text).toMatchObject({ code: 0, stdout: '', stderr: 'Deleted C.\n' })
    const failed = await remove(['C', '--env', env, '--yes'])
    expect(failed).toMatchObject({ code: 5, stdout: '' })
    expect(jsonError(failed).code).toBe('not_found')
  })
})

describe('delete -f', () => {
  test('deletes each named data source and its secret, and reports each', async () => {
    const result = await removeFrom([request('A', { type: 'no such type', port: 'x' }), { name: ' C ', env }])
    expect(result.code, result.stderr).toBe(0)
    expect(json(result)).toEqual(['A', 'C'].map(ref => ({ ref, env, action: 'deleted', error: null })))
    expect(await names()).toEqual(['B'])
    expect(await orphanSecretsIn(site)).toEqual([])
    expect(await openIntentsIn(site)).toEqual([])
  })

  test('reads files, folders, YAML and NDJSON, with --env as the default', async () => {
    const folder = folderWith({ 'a.yaml': 'name: A\n---\nname: B\n', 'c.ndjson': `{"name": "C", "env": "${env}"}\n` })
    const result = await remove(['-f', folder, join(folder, 'c.ndjson'), '--env', env, '--yes'])
    expect(result.code, result.stderr).toBe(0)
    expect(outcomes(result)).toEqual(['A deleted', 'B deleted', 'C deleted'])
    expect(await names()).toEqual([])
  })

  test('accepts the output of list, get and export', async () => {
    const listed = await site.dsctl(['list', '--env', env, '--search', 'a', '-o', 'json'])
    const [{ id }] = json(listed)
    expect(json(await removeFrom(json(listed)))).toEqual([{ ref: id, action: 'deleted', error: null }])
    const got = await site.dsctl(['get', 'B', '--env', env, '-o', 'json'])
    expect(outcomes(await removeFrom(json(got)))).toEqual([`${json(got).id} deleted`])
    const exported = await site.dsctl(['export', '--env', env])
    const result = await remove(['-f', '-', '--yes'], { stdin: exported.stdout })
    expect(outcomes(result)).toEqual(['C deleted'])
    expect(await names()).toEqual([])
  })

  test('exits 8 if one does not exist, or 0 with --ignore-not-found', async () => {
    const result = await removeFrom(['A', 'None', 'B'].map(name => ({ name, env })))
    expect(result.code).toBe(8)
    expect(outcomes(result)).toEqual(['A deleted', 'None failed', 'B deleted'])
    expect(json(result)[1].error).toMatchObject({ code: 'not_found', exit_code: 5 })
    expect(jsonError(result)).toMatchObject({ message: '1 of 3 data sources could not be deleted.' })
    const again = await removeFrom(
      ['A', 'C'].map(name => ({ name, env })),
      '--ignore-not-found',
    )
    expect(again.code, again.stderr).toBe(0)
    expect(outcomes(again)).toEqual(['A not found', 'C deleted'])
  })

  test('reports every problem of a file at once, and deletes nothing', async () => {
    const before = await everythingIn(site)
    const wrong = [{ name: 'A', env }, { env }, { name: 'B', env: 'a b' }, { id: 'no', name: 'B' }, { name: ' A', env }]
    const result = await removeFrom(wrong)
    expect(result.code).toBe(2)
    expect(jsonError(result).fields).toEqual([
      { field: 'Standard input, request 2, name', message: 'is required' },
      { field: 'Standard input, request 3, env', message: expect.stringContaining('must be 1 to 64') },
      { field: 'Standard input, request 4, id', message: 'must be a UUID' },
      {
        field: 'Standard input, request 5',
        message: 'appears twice: also in Standard input, request 1',
      },
    ])
    const other = await removeFrom([{ name: 'A', env }], '--env', 'elsewhere')
    expect(other.stderr).toContain(`is ${env}, but --env is elsewhere`)
    const without = await removeFrom([{ name: 'A' }])
    expect(jsonError(without).fields).toEqual([{ field: 'Standard input, env', message: 'is required' }])
    expect(await everythingIn(site)).toEqual(before)
  })

  test('requires either REFs or -f, and --yes without a terminal', async () => {
    const before = await everythingIn(site)
    const file = join(folderWith({ 'a.json': JSON.stringify({ name: 'A', env }) }), 'a.json')
    const results = [
      await remove(['A', '-f', file, '--yes']),
      await remove(['--yes']),
      await remove(['-f', file]),
      await remove(['-f', `${file}.none`, '--yes']),
    ]
    expect(results.map(({ code }) => code)).toEqual([2, 2, 2, 2])
    expect(results.map(result => jsonError(result).message)).toEqual([
      'Pass either REFs or -f, not both.',
      'Nothing to delete.',
      'Deleting cannot be undone, and there is no terminal to confirm.',
      expect.stringContaining('a.json.none does not exist.'),
    ])
    expect(await everythingIn(site)).toEqual(before)
  })

  test('deletes nothing for an empty list', async () => {
    const result = await removeFrom([])
    expect([result.code, json(result)]).toEqual([0, []])
    expect(await names()).toEqual(NAMES)
  })

  test('deletes a REF that is given twice once', async () => {
    const result = await remove(['A', 'A', '--env', env, '--yes', 'B'])
    expect(outcomes(result)).toEqual(['A deleted', 'B deleted'])
  })

  test.skipIf(ON_EMBEDDED)('records a denial for each if the user may not delete', async () => {
    const viewer = await site.addPerson({ email: `viewer${counter}@example.com`, role: 'viewer' })
    const stdin = JSON.stringify(NAMES.map(name => ({ name, env })))
    const result = await remove(['-f', '-', '--yes'], { stdin, env: viewer.env })
    expect(result.code).toBe(8)
    expect(json(result).map(({ error }: { error: { exit_code: number } }) => error.exit_code)).toEqual([4, 4, 4])
    expect(await names()).toEqual(NAMES)
    const denied = 'SELECT count(*)::int AS n FROM dsctl.audit_events WHERE actor_email = $1 AND outcome = $2'
    expect(await site.database.query(denied, [viewer.email, 'denied'])).toEqual([{ n: 3 }])
  })
})

describe('at a terminal', () => {
  const open = (args: readonly string[]) => terminal(['delete', ...args], { env: site.env, home: site.home })
  const file = (requests: readonly string[]) =>
    join(folderWith({ 'a.json': JSON.stringify(requests.map(name => ({ name, env }))) }), 'a.json')

  test('lists what the file names; the user types their number', async () => {
    const screen = open(['-f', file(['A', 'B', 'None']), '--ignore-not-found'])
    const asked = await screen.waitFor('Type 3 to confirm:')
    expect(asked).toContain(`To be deleted: A (${env}), B (${env}), None (not found).`)
    screen.type('2\n')
    await screen.waitFor('the name does not match')
    screen.press('backspace')
    screen.type('3\n')
    expect((await screen.exit).code).toBe(0)
    expect(screen.text()).toContain('2 of 3 deleted, 1 not found.')
    expect(await names()).toEqual(['C'])
  })

  test('asks for the name if the file names only one', async () => {
    const screen = open(['-f', file(['B'])])
    await screen.waitFor(/Delete B \(.*, postgres\)\? Type B to confirm:/)
    screen.type('B\n')
    expect((await screen.exit).code).toBe(0)
    expect(await names()).toEqual(['A', 'C'])
  })

  test('confirms REFs one by one; Ctrl-C at any deletes none', async () => {
    const screen = open(['A', 'C', '--env', env])
    await screen.waitFor('Type A to confirm:')
    screen.type('A\n')
    await screen.waitFor('Type C to confirm:')
    screen.press('ctrlC')
    expect((await screen.exit).code).toBe(130)
    expect(await names()).toEqual(NAMES)
  })

  test('does not ask about a data source that does not exist', async () => {
    const ignored = open(['None', '--env', env, '--ignore-not-found'])
    expect((await ignored.exit).code).toBe(0)
    expect(ignored.text()).toContain('There is no data source None.')
    const screen = open(['-f', file(['A', 'None'])])
    expect((await screen.exit).code).toBe(5)
    expect(screen.text()).not.toContain('confirm')
    expect(await names()).toEqual(NAMES)
  })
})

describe.skipIf(ON_EMBEDDED)('failures', () => {
  let proxied: ProxiedSite
  beforeAll(async () => {
    proxied = await proxySite(site)
  })
  afterAll(() => proxied?.close())

  test('an interrupted run finishes what it began; another completes it', async () => {
    const requests = [...NAMES, ...Array.from({ length: 20 }, (_, index) => `N${index}`)].map(name => ({ name, env }))
    await site.dsctl(['apply', '-f', '-'], { stdin: JSON.stringify(requests.map(({ name }) => request(name))) })
    const running = proxied.start(['delete', '-f', '-', '--yes', '-o', 'json'], { stdin: JSON.stringify(requests) })
    let removals = 0
    proxied.vault.at(/^DELETE /, {
      before: () => {
        if (++removals === 3) running.signal('SIGINT')
        return undefined
      },
    })
    const result = await running.result
    expect(result.code).toBe(130)
    const deleted = json(result).filter(({ action }: Outcome) => action === 'deleted')
    expect(deleted.length).toBeGreaterThan(0)
    expect(await names()).toHaveLength(requests.length - deleted.length)
    expect(await openIntentsIn(site)).toEqual([])
    expect(await orphanSecretsIn(site)).toEqual([])
    await proxied.restore()
    const again = await removeFrom(requests, '--ignore-not-found')
    expect(again.code, again.stderr).toBe(0)
    expect(await names()).toEqual([])
  })

  test('a second run by ID removes secrets that Vault failed to remove', async () => {
    const ids = (await site.database.query('SELECT id FROM data_sources WHERE env = $1 ORDER BY name', [env])).map(
      ({ id }) => ({ id }),
    )
    proxied.vault.at(/^DELETE /, { before: () => ({ status: 400, body: { errors: ['no'] } }) })
    const running = proxied.start(['delete', '-f', '-', '--yes', '-o', 'json'], { stdin: JSON.stringify(ids) })
    const result = await running.result
    expect(result.code).toBe(8)
    expect(json(result)).toMatchObject(ids.map(({ id }) => ({ ref: id, error: { code: 'unavailable', exit_code: 7 } })))
    expect(await names()).toEqual([])
    await proxied.restore()
    const again = await removeFrom(ids)
    expect(again.code, again.stderr).toBe(0)
    expect(await orphanSecretsIn(site)).toEqual([])
  })
})
