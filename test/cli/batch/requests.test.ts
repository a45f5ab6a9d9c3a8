import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { batchFixture } from '../../support/batch.ts'
import { plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json, jsonError, temporaryFolder } from '../../support/run.ts'
import { ON_EMBEDDED, type Site } from '../../support/site.ts'
import { eventsOf, everythingIn, livePairs, openIntentsIn, orphanSecretsIn } from '../../support/stored.ts'

const MARKER = plainFields.password
const { fixture, request, several, apply, diff, actions, names } = batchFixture()
let site: Site
let env: string
let counter: number

beforeAll(() => {
  site = fixture.site
})
beforeEach(() => {
  ;({ env, counter } = fixture)
})

describe('apply', () => {
  test('creates, updates or keeps each source, and reports each', async () => {
    const first = await apply(several(3))
    expect(first.code, first.stderr).toBe(0)
    expect(actions(first)).toEqual(['created', 'created', 'created'])
    const changed = several(4).map((each, at) =>
      at === 1 ? { ...each, port: 6000 } : at === 2 ? { ...each, password: 'MARKERother' } : each,
    )
    const second = await apply(changed)
    expect(actions(second)).toEqual(['unchanged', 'updated', 'updated', 'created'])
    expect(json(second)[0]).toEqual({
      name: 'Source 000',
      env,
      action: 'unchanged',
      id: expect.any(String),
      error: null,
    })
    expect(actions(await apply(changed))).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged'])
    expect(second.stdout + second.stderr).not.toContain('MARKER')
    const pairs = (await livePairs(site)).filter(pair => pair.env === env)
    expect(pairs.map(({ secret }) => [secret?.port, secret?.password])).toEqual([
      [5432, MARKER],
      [6000, MARKER],
      [5432, 'MARKERother'],
      [5432, MARKER],
    ])
    expect(await openIntentsIn(site)).toEqual([])
  })

  test('every item has its audit event', async () => {
    await apply(several(2))
    await apply([request('Source 000', { port: 1 }), request('Source 001')])
    const events = (await eventsOf(site, `after->>'env' = $1`, [env])).map(({ action, name, outcome }) => [
      action,
      name,
      outcome,
    ])
    expect(events.sort()).toEqual([
      ['create', 'Source 000', 'done'],
      ['create', 'Source 001', 'done'],
      ['update', 'Source 000', 'done'],
    ])
  })

  test('one invalid item: all problems are reported, and nothing is written', async () => {
    const before = await everythingIn(site)
    const bad = [request('A', { port: 'x', hots: 'y' }), request('B'), { name: 'C', env, type: 'nosql' }, request('B')]
    const result = await apply(bad)
    expect(result.code).toBe(2)
    const fields = jsonError(result).fields?.map(({ field }) => field)
    expect(fields).toEqual([
      'Standard input, request 1 (A), port',
      'Standard input, request 1 (A), hots',
      'Standard input, request 3 (C), type',
      'Standard input, request 4 (B), name',
    ])
    expect(result.stderr).not.toContain('MARKER')
    expect(await everythingIn(site)).toEqual(before)
  })

  test('the number of reported problems is limited', async () => {
    const result = await apply(several(80).map(each => ({ ...each, port: 'x' })))
    expect(jsonError(result)).toMatchObject({ hint: 'And 30 more problems.' })
    expect(jsonError(result).fields).toHaveLength(50)
  })

  test('a failed item does not stop the others, and exits with 8', async () => {
    await apply([request('Taken', { type: 'mysql' })])
    const result = await apply([request('Before'), request('Taken'), request('After')])
    expect(result.code).toBe(8)
    expect(actions(result)).toEqual(['created', 'failed', 'created'])
    expect(json(result)[1].error).toMatchObject({ code: 'invalid', exit_code: 2 })
  })

  test('--env refuses items of another env, and is the default', async () => {
    const { env: _, ...without } = request('Without')
    expect(actions(await apply([without], '--env', env))).toEqual(['created'])
    const result = await apply([request('Other', { env: 'elsewhere' })], '--env', env)
    expect(result.code).toBe(2)
    expect(result.stderr).toContain(`is elsewhere, but --env is ${env}`)
    expect(result.stderr).not.toContain('dsctl types')
    const none = await apply([request('Other')], '--parallel', '0')
    expect(none.stderr).toContain('must be a whole number from 1 to 128')
  })

  test('--dry-run prints the diff, writes nothing and exits with 0', async () => {
    const before = await everythingIn(site)
    const result = await apply(several(2), '--dry-run')
    expect(result.code).toBe(0)
    expect(json(result)).toMatchObject([{ action: 'create' }, { action: 'create' }])
    expect(await everythingIn(site)).toEqual(before)
  })

  test('two concurrent applies create each source once', async () => {
    const both = await Promise.all([apply(several(12)), apply(several(12))])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(await names()).toEqual(several(12).map(({ name }) => name))
    expect(await openIntentsIn(site)).toEqual([])
    expect(actions(await apply(several(12)))).toEqual(Array(12).fill('unchanged'))
  })

  test('a denied request fetches and writes nothing', async () => {
    if (ON_EMBEDDED) return
    const viewer = await site.addPerson({ email: `viewer${counter}@example.com`, role: 'viewer' })
    const stdin = JSON.stringify([request('A', { password: { from: 'env:DSCTL_SECRET_NOT_SET' } })])
    const result = await site.dsctl(['apply', '-f', '-'], { stdin, env: viewer.env })
    expect(result.code, result.stderr).toBe(4)
    expect(await names()).toEqual([])
  })
})

describe('prune', () => {
  beforeEach(async () => {
    await apply(several(4))
  })

  test('deletes what no file contains, last, and only in its env', async () => {
    const result = await apply([request('Source 000'), request('New')], '--env', env, '--prune', '--yes')
    expect(result.code, result.stderr).toBe(0)
    expect(actions(result)).toEqual(['unchanged', 'created', 'deleted', 'deleted', 'deleted'])
    expect(await names()).toEqual(['New', 'Source 000'])
    expect(await orphanSecretsIn(site)).toEqual([])
  })

  test('requires an env, confirmation, a request, and few enough deletions', async () => {
    const all = await names()
    const within = ['--env', env]
    expect((await apply([request('New')], '--prune', '--yes')).code).toBe(2)
    expect((await apply([request('New')], ...within, '--prune')).stderr).toContain('Pass --yes.')
    expect((await apply([], ...within, '--prune', '--yes')).stderr).toContain('no requests')
    const tooMany = await apply([request('New')], ...within, '--prune', '--yes', '--prune-max', '3')
    expect(tooMany.stderr).toContain('--prune-max is 3')
    const stdin = JSON.stringify([request('New')])
    for (const [code, verb] of [
      [9, ['diff']],
      [0, ['apply', '--dry-run']],
    ] as const) {
      const shown = await site.dsctl([...verb, '-f', '-', ...within, '--prune', '--prune-max', '3'], { stdin })
      expect(shown, shown.stderr).toMatchObject({ code, stdout: expect.stringContaining('- delete Source 000') })
      expect(shown.stderr).toContain('--prune-max is 3. apply would refuse this.')
    }
    expect(await names()).toEqual(all)
  })

  test('deletes nothing after a failed item', async () => {
    const result = await apply([request('Source 000', { type: 'mysql' })], '--env', env, '--prune', '--yes')
    expect(result.code).toBe(8)
    expect(await names()).toHaveLength(4)
  })
})

describe('diff', () => {
  test('prints each changed field, secrets only as changed, and exits with 9', async () => {
    await apply(several(3))
    const changed = [
      request('Source 000', { host: 'new.example.com', password: 'MARKERother' }),
      request('Source 001'),
      request('New'),
    ]
    const result = await diff(changed, '--env', env, '--prune')
    expect(result.code).toBe(9)
    expect(json(result)).toMatchObject([
      {
        ...{ name: 'Source 000', env, action: 'update' },
        fields: [
          { field: 'host', secret: false, before: 'db.example.com', after: 'new.example.com' },
          { field: 'password', secret: true, before: null, after: null },
        ],
      },
      { name: 'New', action: 'create' },
      { name: 'Source 002', action: 'delete' },
    ])
    const text = await site.dsctl(['diff', '-f', '-'], { stdin: JSON.stringify(changed) })
    expect(text.stdout).toContain('    host: db.example.com -> new.example.com\n    password: changed (secret)\n')
    expect(result.stdout + result.stderr + text.stdout + text.stderr).not.toContain('MARKER')
    expect((await diff(several(3))).code).toBe(0)
  })
})

describe('get', () => {
  test('its output is recognized where a request is expected', async () => {
    await apply(several(1))
    const got = await site.dsctl(['get', 'Source 000', '--env', env, '-o', 'json'])
    const yaml = await site.dsctl(['get', 'Source 000', '--env', env, '-o', 'yaml'])
    for (const { stdout } of [got, yaml]) {
      for (const args of [['apply'], ['diff'], ['create'], ['create', 'Copy', '--type', 'postgres'], ['test']]) {
        const { code, stderr } = await site.dsctl([...args, '-f', '-'], { stdin: stdout })
        expect({ code, stderr }).toMatchObject({ code: 2 })
        expect(stderr).toContain('this is not a request, but an output of dsctl get, whose secrets are [REDACTED]\n')
        expect(stderr).toMatch(
          /\nTo change a data source, run dsctl update .*\nTo create others, run dsctl export: .*\n$/,
        )
      }
    }
    const listed = await site.dsctl(['list', '--env', env, '-o', 'json'])
    const { stderr } = await site.dsctl(['apply', '-f', '-'], { stdin: listed.stdout })
    expect(stderr).toContain(': this is not a request, but an output of dsctl list, which has no credentials\n')
  })

  test('of several prints each redacted, and exits with 8 if one is missing', async () => {
    await apply(several(2))
    const both = await site.dsctl(['get', 'Source 000', 'Source 001', '--env', env, '-o', 'json'])
    expect(both.code, both.stderr).toBe(0)
    expect(json(both)).toMatchObject([
      { name: 'Source 000', credentials: { password: '[REDACTED]' } },
      { name: 'Source 001', credentials: { password: '[REDACTED]' } },
    ])
    const one = await site.dsctl(['get', 'Source 000', 'None', '--env', env, '-o', 'name'])
    expect(one).toMatchObject({ code: 8, stdout: 'Source 000\n' })
    expect(one.stderr).toContain('There is no data source None.')
  })
})

describe('files', () => {
  const applied = async (files: Record<string, string>, ...paths: string[]) => {
    const folder = folderWith(files)
    return site.dsctl([
      'apply',
      '-f',
      ...(paths.length ? paths.map(path => join(folder, path)) : [folder]),
      '-o',
      'json',
    ])
  }
  const line = (name: string) => JSON.stringify(request(name))

  test('contain a request, an array, NDJSON or YAML documents, alone or in a folder', async () => {
    const result = await applied({
      'a.json': JSON.stringify(several(2)),
      'b.yaml': `${line('One')}\n---\n${line('Two')}\n---\n`,
      'c.yml': `- ${line('Three')}\n- ${line('Four')}\n`,
      'd.json': `${line('Five')}\n${line('Six')}\n`,
      'e.json': JSON.stringify(request('Seven'), null, 2),
      'readme.txt': 'no request',
    })
    expect(result.code, result.stderr).toBe(0)
    expect(json(result).map(({ name }: { name: string }) => name)).toEqual([
      ...['Source 000', 'Source 001', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven'],
    ])
  })

  test('without requests are refused without printing their content', async () => {
    const bad: Record<string, string> = {
      'empty.yaml': '',
      'broken.json': `{"password": "MARKERbroken"`,
      'number.yaml': '3',
      'twice.yaml': 'name: MARKERa\nname: MARKERb\n',
      'bomb.yaml': `a: &a [x, x]\n${Array.from({ length: 30 }, (_, at) => `k${at}: &k${at} [*${at ? `k${at - 1}` : 'a'}, *${at ? `k${at - 1}` : 'a'}]`).join('\n')}\n`,
      'lines.ndjson': `${line('A')}\n{"password": "MARKERline`,
    }
    for (const file of Object.keys(bad)) {
      const result = await applied(bad, file)
      expect(result.code, file).toBe(2)
      expect(result.stderr, file).not.toContain('MARKER')
    }
    const second = await applied({ 'lines.ndjson': bad['lines.ndjson'] ?? '' }, 'lines.ndjson')
    expect(second.stderr).toContain('lines.ndjson is not valid JSON (line 2).')
    const wrong = await applied({ 'a.yaml': 'name: a: MARKER\n', 'b.yaml': 'name: "MARKER\n' }, 'a.yaml')
    expect(wrong.stderr).toMatch(/a\.yaml is not valid YAML \(line 1\): an unexpected colon/)
    const folder = await applied({ 'sources.txt': line('A') })
    expect([folder.code, folder.stderr]).toEqual([2, expect.stringMatching(/contains no \.json, \.yaml, \.yml file/)])
    const missing = await applied({}, 'missing.yaml')
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('missing.yaml does not exist')])
  })

  test('a file of 100 MiB is refused', async () => {
    const file = join(temporaryFolder(), 'large.json')
    writeFileSync(file, Buffer.alloc(100 * 1024 * 1024, ' '))
    const result = await site.dsctl(['apply', '-f', file])
    expect(result).toMatchObject({ code: 2 })
    expect(result.stderr).toContain('larger than 64 MiB')
  })
})

describe('export', () => {
  test('is safe to commit, reproducible, and unchanged for apply', async () => {
    await apply([request('B'), request('A', { default_schema: 'public' })])
    const yaml = await site.dsctl(['export', '--env', env])
    expect(yaml.code, yaml.stderr).toBe(0)
    expect(yaml.stdout).not.toContain('MARKER')
    const none = await site.dsctl(['export', '--env', 'nope'])
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('No data sources in env nope.') })
    expect((await site.dsctl(['export', '--env', env])).stdout).toBe(yaml.stdout)
    const documents = json(await site.dsctl(['export', '--env', env, '-o', 'json']))
    expect(documents).toMatchObject([
      { name: 'A', env, type: 'postgres', password: { from: expect.stringMatching(/^vault:.+#password$/) } },
      { name: 'B', env },
    ])
    const before = await everythingIn(site)
    const back = await site.dsctl(['apply', '-f', '-', '-o', 'json'], { stdin: yaml.stdout })
    expect(back.code, back.stderr).toBe(0)
    expect(actions(back)).toEqual(['unchanged', 'unchanged'])
    expect(await everythingIn(site)).toEqual(before)
  })

  test('a reference to another or a deleted source’s secret is refused', async () => {
    await apply(several(2))
    const [a, b] = json(await site.dsctl(['export', '--env', env, '-o', 'json']))
    expect((await apply([{ ...a, password: b.password }])).code).toBe(2)
    expect((await apply([{ ...a, name: 'Not there' }])).code).toBe(2)
    const edited = await apply([{ ...a, host: 'edited.example.com' }])
    expect(actions(edited)).toEqual(['updated'])
    const [pair] = (await livePairs(site)).filter(pair => pair.env === env)
    expect(pair?.secret).toMatchObject({ host: 'edited.example.com', password: MARKER })
  })

  test('--to-env names variables from which apply creates the sources there', async () => {
    await apply([request('Sales EU'), request('Sales-EU')])
    const promoted = await site.dsctl(['export', '--env', env, '--to-env', `${env}-next`, '-o', 'json'])
    const variables = json(promoted).map(({ password }: { password: { from: string } }) =>
      password.from.slice('env:'.length),
    )
    const expected = `DSCTL_SECRET_ENV${counter}_NEXT_SALES_EU_PASSWORD`
    expect(variables).toEqual([expected, `${expected}_2`])
    const stdin = promoted.stdout
    const unset = await site.dsctl(['apply', '-f', '-'], { stdin })
    expect(unset.code).toBe(2)
    expect(unset.stderr).toContain(expected)
    const secrets = Object.fromEntries(variables.map((name: string) => [name, 'MARKERnext']))
    const done = await site.dsctl(['apply', '-f', '-', '-o', 'json'], { stdin, env: secrets })
    expect(actions(done)).toEqual(['created', 'created'])
  })
})
