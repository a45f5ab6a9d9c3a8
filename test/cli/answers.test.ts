import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import stringWidth from 'string-width'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mainRequest, plainFields } from '../support/examples.ts'
import { folderWith } from '../support/requests.ts'
import { dsctl, json, type RunResult, temporaryFolder } from '../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../support/site.ts'
import { terminal } from '../support/terminal.ts'

// Checks the JSON output of each command against the schema that `types --schema` prints for it.

const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  strictTypes: false,
  validateFormats: false,
  allErrors: true,
})

let site: Site
let requests: string
const BATCH = ['North', 'South'].map(name => ({ name, env: 'batch', type: 'postgres', ...plainFields, port: 1 }))

beforeAll(async () => {
  site = await createSite(['members'])
  requests = folderWith({
    'main.json': JSON.stringify(mainRequest),
    'batch.json': JSON.stringify(BATCH),
    'changed.json': JSON.stringify(BATCH.map(each => ({ ...each, port: 2, default_schema: 'public' }))),
  })
})
afterAll(() => site.drop())

const schemas = new Map<string, unknown>()

async function schemaOf(command: string): Promise<unknown> {
  const known = schemas.get(command) ?? json(await dsctl(['types', '--schema', command, '-o', 'json']))
  schemas.set(command, known)
  return known
}

/** Validates a document against a schema, without additional properties. */
async function expectFits(command: string, document: unknown): Promise<void> {
  const validate = ajv.compile(closed(await schemaOf(command)) as object)
  validate(document)
  expect(validate.errors ?? [], `${command}: ${JSON.stringify(document)}`).toEqual([])
}

/** The schema, with additional properties forbidden in every object. */
function closed(schema: unknown, within = false): unknown {
  if (Array.isArray(schema)) return schema.map(each => closed(each, within))
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([key, value]) => {
    if (key === 'properties')
      return [key, Object.fromEntries(Object.entries(value).map(([name, of]) => [name, closed(of)]))]
    // Alternatives add properties to the object around them, so they are not closed themselves.
    return [key, key === 'items' || key === 'anyOf' ? closed(value) : key === 'oneOf' ? closed(value, true) : value]
  })
  const open = within || !('properties' in schema) || !('type' in schema)
  return Object.fromEntries(open ? entries : [...entries, ['unevaluatedProperties', false]])
}

async function run(args: readonly string[], code = 0): Promise<RunResult> {
  const result = await site.dsctl([...args, '-o', 'json'], { cwd: requests, env: { PW: 'MARKERpassword' } })
  expect(result.code, `${args.join(' ')}: ${result.stderr}`).toBe(code)
  return result
}

describe('Output matches its schema:', () => {
  // In order: each command uses what the earlier ones have made.
  test.each<[string, string[], number?]>([
    ['create', ['create', '-f', 'main.json']],
    [
      'create',
      [
        'create',
        'Whole',
        '--env',
        'dev',
        '--type',
        'databricks',
        '--host',
        'h',
        '--warehouse-id',
        'w',
        '--default-catalog',
        'c',
        '--api-key',
        'env:PW',
      ],
    ],
    ['answer', ['get', 'Whole']],
    ['get', ['get', 'Whole']],
    ['get', ['get', 'Whole', 'Production PostgreSQL']],
    ['update', ['update', 'Whole', '--set-env', 'prod']],
    ['onboarding', ['onboarding', 'Whole', 'inProgress']],
    ['onboarding', ['onboarding', 'Whole', 'failed', '--error', 'No such host.']],
    ['list', ['list']],
    ['list', ['list', '--all', '--env', 'nowhere']],
    ['apply', ['apply', '-f', 'batch.json', '--dry-run']],
    ['diff', ['diff', '-f', 'batch.json'], 9],
    ['apply', ['apply', '-f', 'batch.json']],
    ['apply', ['apply', '-f', 'batch.json']],
    ['diff', ['diff', '-f', 'batch.json']],
    ['diff', ['diff', '-f', 'changed.json', '--prune', '--env', 'batch'], 9],
    ['apply', ['apply', '-f', 'changed.json', '--verify'], 8],
    ['test', ['test', '--all', '--timeout', '5'], 8],
    ['test', ['test', 'Whole', 'None'], 8],
    ['test', ['test', '-f', 'main.json'], 8],
    ['export', ['export']],
    ['export', ['export', '--env', 'batch', '--to-env', 'prod']],
    ['template set', ['template', 'set', 'eu', '--type', 'postgres', '--host', 'h', '--port', '1']],
    ['template get', ['template', 'get', 'eu']],
    ['template list', ['template', 'list']],
    ['types', ['types']],
    ['whoami', ['whoami']],
    ['member list', ['member', 'list']],
    ['member add', ['member', 'add', 'bob@example.com', '--role', 'viewer', '--name', 'Bob']],
    ['member set-role', ['member', 'set-role', 'bob@example.com', 'data_admin']],
    ['member list', ['member', 'list']],
    ['doctor', ['doctor', '--deep']],
    ['config list', ['config', 'list']],
    ['config get', ['config', 'get', 'vault.path']],
    ['config profiles', ['config', 'profiles']],
    ['config path', ['config', 'path']],
    ['delete', ['delete', 'North', 'None', 'Whole', '--yes'], 8],
    ['delete', ['delete', 'South', 'None', '--yes', '--ignore-not-found']],
    ['delete', ['delete', '-f', 'batch.json', '--yes'], 8],
    ['audit', ['audit', '--all']],
  ])('%s, by %j', async (command, args, code) => {
    await expectFits(command, json(await run(args, code)))
  })

  test.each<[string[], number]>([
    [['get', 'None'], 5],
    [['create', 'x', '--type', 'postgres', '--port', 'a'], 2],
    [['create', '-f', 'main.json'], 6],
    [['--profile', 'none', 'list'], 2],
    [['lits'], 2],
  ])('an error, by %j', async (args, code) => {
    const { stderr, stdout } = await run(args, code)
    expect(stdout).toBe('')
    await expectFits('error', JSON.parse(stderr))
  })

  test.skipIf(ON_EMBEDDED)('an error of an unreachable store', async () => {
    for (const env of [
      { VAULT_ADDR: 'http://127.0.0.1:1' },
      { DSCTL_DATABASE_URL: 'postgres://127.0.0.1:1/x' },
      { VAULT_TOKEN: 'none' },
    ]) {
      const result = await site.dsctl(['create', '-f', join(requests, 'main.json'), '-o', 'json'], { env })
      expect([3, 7]).toContain(result.code)
      await expectFits('error', JSON.parse(result.stderr))
    }
  })
})

test('config list on the embedded profile', async () => {
  const home = temporaryFolder()
  await expectFits(
    'config list',
    json(await dsctl(['config', 'list', '--profile', 'embedded', '-o', 'json'], { home })),
  )
})

test('an additional or missing key would be found', async () => {
  const validate = ajv.compile(closed(await schemaOf('list')) as object)
  const [item] = json(await run(['list']))
  expect(validate([item])).toBe(true)
  expect(validate([{ ...item, surplus: 1 }])).toBe(false)
  expect(validate([{ ...item, env: undefined }])).toBe(false)
})

/** Commands that print nothing on standard output, or that print a JSON Schema. */
const WITHOUT = ['init', 'login', 'logout', 'completion', 'help', 'exit-codes', 'environment', 'secrets', 'formats']

test('every command with output has a schema, and no other word has one', async () => {
  const help = (await dsctl(['--help'])).stdout
  const commands = [...help.matchAll(/^ {2}([a-z][a-z-]+)(?:\|[a-z]+)?(?: |$)/gm)].map(([, name = '']) => name)
  const result = await dsctl(['types', '--schema', 'lits'])
  expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('did you mean "list"?') })
  const named = /must be one of (.*); did/.exec(result.stderr)?.[1]?.split(', ') ?? []
  const heads = new Set(named.map(name => name.split(' ')[0]))
  expect(commands.length).toBeGreaterThan(20)
  expect(commands.filter(name => !heads.has(name)).sort()).toEqual([...WITHOUT].sort())
})

test('a schema is the same in every format, also for one type', async () => {
  const schema = json(await dsctl(['types', '--schema', 'list', '-o', 'json']))
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
  expect(JSON.parse((await dsctl(['types', '--schema', 'list'])).stdout)).toEqual(schema)
  const one = json(await dsctl(['types', 'mysql', '--schema', 'get', '-o', 'json']))
  expect(JSON.stringify(one)).not.toContain('snowflake')
})

test('A table fits the terminal, and its columns are aligned', async () => {
  const env = 'tables'
  const names = [
    '客户数据库',
    'Ünïcödé 👩‍👩‍👧 familie',
    'A name that is longer than most others, so long that it is cut',
  ]
  const batch = names.map(name => ({ name, env, type: 'mysql', ...plainFields, host: '127.0.0.1', port: 1 }))
  const stdin = JSON.stringify(batch)
  const ids: string[] = json(await site.dsctl(['apply', '-f', '-', '-o', 'json'], { stdin })).map(
    ({ id }: { id: string }) => id,
  )
  for (const columns of [80, 200]) {
    for (const args of [
      ['list', '--env', env],
      ['get', ...ids],
      ['test', ...ids],
      ['audit', '--source', ids[0] ?? ''],
    ]) {
      const screen = terminal(args, { home: site.home, env: site.env, columns })
      expect((await screen.exit).code, screen.text()).toBe(args[0] === 'test' ? 8 : 0)
      const [table = ''] = screen.text().split('\ndsctl: ')
      const [head = '', ...rows] = table.trimEnd().split('\n')
      const places = [...head.matchAll(/(?<= {2})\S/g)].map(({ index }) => index)
      expect(places.length, table).toBeGreaterThan(3)
      expect(rows.length, table).toBeGreaterThanOrEqual(args[0] === 'audit' ? 1 : names.length)
      for (const row of rows) expect(stringWidth(row), table).toBeLessThanOrEqual(columns)
      // A further line continues the cell above it.
      const apart = rows.filter(row => !row.startsWith(' ')).flatMap(row => places.map(at => gapBefore(row, at)))
      expect(new Set(apart), table).toEqual(new Set(['  ']))
      expect(head.includes('ID'), table).toBe(columns === 200 && ['list', 'get'].includes(args[0] ?? ''))
      if (args[0] === 'test') expect(table).not.toMatch(/…$/m)
    }
  }
})

/** The two characters before a position. */
function gapBefore(row: string, at: number): string {
  let before = ''
  for (const { segment } of new Intl.Segmenter().segment(row)) {
    if (stringWidth(before) >= at) break
    before += segment
  }
  return before.slice(-2)
}
