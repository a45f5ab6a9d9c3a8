import { randomUUID } from 'node:crypto'
import stringWidth from 'string-width'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { json } from '../support/run.ts'
import { pathWithDsctl } from '../support/shell.ts'
import { createSite, ON_EMBEDDED, type Site } from '../support/site.ts'
import { openProgram, type TerminalOptions, terminal } from '../support/terminal.ts'

// What tables, YAML and `-o name` look like for other readers: narrow terminals, pipes, and programs.

const LONG = `A data source with a long name 数据源数据源 ${'x'.repeat(40)} to the end`
let site: Site
let id: string

beforeAll(async () => {
  site = await createSite()
  id = await site.addDataSource({ name: LONG, env: 'production' })
  await site.dsctl(['template', 'set', 'eu', '--type', 'postgres', '--host', 'h', '--default-schema', 'public'])
})
afterAll(() => site.drop())

async function screen(args: readonly string[], options: TerminalOptions): Promise<string> {
  const shown = terminal(args, { home: site.home, ...options, env: { ...site.env, NO_COLOR: '1', ...options.env } })
  await shown.exit
  return shown.text()
}

async function screenOfNoWidth(args: string): Promise<string> {
  const env = { ...site.env, NO_COLOR: '1', PATH: pathWithDsctl() }
  const shown = openProgram('bash', ['-c', `stty cols 0 rows 0; dsctl ${args}`], { home: site.home, env })
  await shown.exit
  return shown.text()
}

const TABLES = [
  ['list', '--env', 'production'],
  ['member', 'list'],
  ['template', 'list'],
  ['test', '--all', '--timeout', '5'],
  ['types'],
  ['types', 'postgres'],
  ['config', 'list'],
  ['doctor'],
]

describe('At a terminal of 40 columns', () => {
  test.each(TABLES.map(args => [args.join(' '), args]))('%s cuts nothing and breaks long texts', async (_, args) => {
    const text = await screen(args, { columns: 40 })
    expect(text.replaceAll('SHA256:…', '')).not.toContain('…')
    for (const line of text.split('\n').filter(each => each !== LONG && stringWidth(each) > 40)) {
      // Only a heading, or a word that is wider than the terminal, may be.
      expect(line.trim().split(/ {2,}/).at(-1), line).not.toContain(' ')
    }
  })

  test('list prints each data source as a block', async () => {
    expect(await screen(['list', '--env', 'production'], { columns: 40 })).toBe(
      `${LONG}\n  type        postgres\n  env         production\n  onboarding  notStarted\n` +
        `  updated     just now\n  id          ${id}\n`,
    )
  })
})

describe('A table is', () => {
  const isWhole = (text: string) => text.includes(LONG) && text.includes(id) && text.split('\n').length === 3
  test('not cut if the terminal does not report its width', async () => {
    expect(await screenOfNoWidth('list --env production')).toSatisfy(isWhole)
  })

  test('as wide as COLUMNS says, whatever the terminal reports', async () => {
    expect(await screen(['list', '--env', 'production'], { env: { COLUMNS: '300' }, columns: 40 })).toSatisfy(isWhole)
    expect(await screen(['list', '--env', 'production'], { env: { COLUMNS: '40' }, columns: 300 })).toContain(
      '\n  env ',
    )
    expect(await screen(['list', '--env', 'production'], { env: { COLUMNS: '0' }, columns: 300 })).toSatisfy(isWhole)
  })

  test('not cut in a pipe, even if COLUMNS is set', async () => {
    const { stdout } = await site.dsctl(['list', '--env', 'production'], { env: { COLUMNS: '40' } })
    expect(stdout).toSatisfy(isWhole)
  })
})

test.skipIf(ON_EMBEDDED)('doctor wraps long messages at 80 columns in a pipe', async () => {
  const { stdout } = await site.dsctl(['doctor'])
  const lines = stdout.split('\n')
  expect(lines.filter(line => line.length > 80)).toEqual([])
  expect(stdout).toMatch(/^credentials +problem +1 live record without a secret: A data source with/m)
})

test('YAML quotes what readers of YAML 1.1 take for booleans, dates or numbers', async () => {
  const names = [
    ...['no', 'No', 'y', 'N', 'on', 'off', 'true', 'null', '~', '=', '<<', 'NaN', '.inf', '-.Inf', '12:30:45', '1:30'],
    ...['2024-01-01', '2024-1-1 2:03:04', '0777', '0o17', '0x1F', '0b11', '1_000', '1,000', '1e3', '1.', '.5', '+1'],
    ...['-1', '1.5e+3', ':symbol', '10.0.0.1', 'No way', 'Müller', '数据', '- x', 'a: b', '# c', '@d', '%e', '', ' '],
  ]
  for (const name of names) await site.addDataSource({ name, env: 'on' })
  const result = await site.dsctl(['list', '--env', 'on', '--all', '-o', 'yaml'])
  const expected = json(await site.dsctl(['list', '--env', 'on', '--all', '-o', 'json']))
  expect(expected.map(({ name }: { name: string }) => name).sort()).toEqual([...names].sort())
  for (const version of ['1.1', '1.2'] as const) expect(parse(result.stdout, { version })).toEqual(expected)
  expect(result.stdout).toMatch(/^ {2}name: No way$/m)
  expect(result.stdout).toMatch(/^- id: [0-9a-f]{8}-/m)
  expect(result.stdout).toMatch(/^ {2}env: "on"$/m)
  expect(result.stdout).toMatch(/^ {2}name: "12:30:45"$/m)
})

test('-o name prints the id of a data source whose name is empty', async () => {
  const env = `env ${randomUUID()}`
  const nameless = [await site.addDataSource({ name: '', env }), await site.addDataSource({ name: '  ', env })]
  await site.addDataSource({ name: 'Named', env })
  for (const args of [['list'], ['list', '--all'], ['test', '--all', '--timeout', '1']]) {
    const { stdout } = await site.dsctl([...args, '--env', env, '-o', 'name'])
    expect(stdout.split('\n').sort(), args.join(' ')).toEqual(['', 'Named', ...nameless].sort())
  }
  const { stdout } = await site.dsctl(['get', ...nameless, '-o', 'name'])
  expect(stdout).toBe(nameless.map(each => `${each}\n`).join(''))
})
