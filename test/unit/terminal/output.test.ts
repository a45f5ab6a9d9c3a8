import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { OutputFormat } from '../../../src/domain/output-format.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { printView } from '../../../src/terminal/output.ts'
import type { ListView } from '../../../src/terminal/view.ts'
import { captureStreams } from './capture-streams.ts'

interface Item {
  readonly id: string
  readonly name: string
  readonly updated_at: string
}

const ESC = '\u001b'
const HOSTILE = `evil${ESC}[31m\n\u009b2J\u202e\u{e0041}`

function list(data: readonly Item[]): ListView<Item> {
  return {
    kind: 'list',
    data,
    columns: [
      { title: 'ID', value: item => item.id, fixed: true },
      { title: 'NAME', value: item => item.name },
      { title: 'UPDATED', value: item => ({ time: item.updated_at }), fixed: true },
    ],
    empty: 'No data sources.',
  }
}

function item(id: string, name: string): Item {
  return { id, name, updated_at: new Date(Date.now() - 3 * 3_600_000 - 5_000).toISOString() }
}

const FORMATS: readonly OutputFormat[] = ['table', 'json', 'yaml', 'name', 'id']

test('a piped table is aligned, with full values, ISO times and no colors', async () => {
  const out = captureStreams({ env: { COLUMNS: '20' } })
  const items = [item('1', 'short'), item('22', 'x'.repeat(100))]
  await printView(out.streams, 'table', list(items))
  expect(out.stdout()).toBe(
    [
      `ID  NAME${' '.repeat(98)}UPDATED`,
      `1   short${' '.repeat(97)}${items[0]?.updated_at}`,
      `22  ${'x'.repeat(100)}  ${items[1]?.updated_at}`,
      '',
    ].join('\n'),
  )
  expect(out.stderr()).toBe('')
})

test('at a terminal the widest column is truncated, and times are relative', async () => {
  const out = captureStreams({ terminal: true, columns: 40, env: { NO_COLOR: '1' } })
  await printView(out.streams, 'table', list([item('1', 'a name that is far too long for it')]))
  const lines = out.stdout().split('\n')
  expect(lines[1]).toBe('1   a name that is far too…  3 hours ago')
  expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(40)
})

test('wide characters are aligned and truncated by their display width', async () => {
  const out = captureStreams({ terminal: true, columns: 30, env: { NO_COLOR: '1' } })
  await printView(out.streams, 'table', list([item('1', '数据源数据源数据源'), item('2', 'abc')]))
  expect(out.stdout()).toBe(
    ['ID  NAME           UPDATED', '1   数据源数据源…  3 hours ago', '2   abc            3 hours ago', ''].join('\n'),
  )
})

test('the header is bold at a terminal with colors', async () => {
  const out = captureStreams({ terminal: true })
  await printView(out.streams, 'table', list([item('1', 'one')]))
  expect(out.stdout()).toContain(`${ESC}[1mNAME${ESC}[22m`)
})

test('JSON is indented by two spaces and ends with one newline', async () => {
  const out = captureStreams()
  const data = { id: '1', name: 'one', nothing: null }
  await printView(out.streams, 'json', { kind: 'record', data, rows: [] })
  expect(out.stdout()).toBe(`${JSON.stringify(data, null, 2)}\n`)
})

test('an empty list is [] as JSON and YAML, a message as table', async () => {
  const out = captureStreams()
  await printView(out.streams, 'json', list([]))
  expect(out.stdout()).toBe('[]\n')
  await printView(out.streams, 'yaml', list([]))
  expect(out.stdout()).toBe('[]\n')
  await printView(out.streams, 'table', list([]))
  expect(out.stdout()).toBe('')
  expect(out.stderr()).toBe('No data sources.\n')
})

test('names and ids are printed one per line', async () => {
  const out = captureStreams()
  const items = [item('1', 'one'), item('2', 'two')]
  await printView(out.streams, 'name', list(items))
  expect(out.stdout()).toBe('one\ntwo\n')
  await printView(out.streams, 'id', { kind: 'record', data: items[0] ?? {}, rows: [] })
  expect(out.stdout()).toBe('1\n')
})

test.each(FORMATS)('%s output never prints stored control characters', async format => {
  for (const terminal of [true, false]) {
    const out = captureStreams({ terminal, env: { NO_COLOR: '1' } })
    await printView(out.streams, format, list([item('1', HOSTILE)]))
    await printView(out.streams, format, { kind: 'record', data: item('1', HOSTILE), rows: [['Name', HOSTILE]] })
    await printView(out.streams, format, { kind: 'lines', data: { name: HOSTILE }, lines: [HOSTILE] })
    expect(out.stdout()).not.toMatch(/[^\P{Cc}\n]|\u202e|\u{e0041}/u)
  }
})

test('JSON and YAML with escaped characters parse to the same data', async () => {
  const out = captureStreams()
  const data = { id: '1', name: `${HOSTILE} ${'long '.repeat(60)}` }
  await printView(out.streams, 'json', { kind: 'record', data, rows: [] })
  expect(JSON.parse(out.stdout())).toEqual(data)
  await printView(out.streams, 'yaml', { kind: 'record', data, rows: [] })
  expect(parse(out.stdout())).toEqual(data)
})

test.each(FORMATS)('%s output prints a sealed secret as [REDACTED]', async format => {
  const out = captureStreams()
  const password = new Secret('hunter2')
  await printView(out.streams, format, { kind: 'record', data: { id: '1', password }, rows: [['P', String(password)]] })
  expect(out.stdout()).not.toContain('hunter2')
})

test('a record shows labels and full values, and omits undefined ones', async () => {
  const out = captureStreams({ terminal: true, columns: 20, env: { NO_COLOR: '1' } })
  const long = 'x'.repeat(50)
  const rows = [
    ['Name', long] as const,
    ['Port', 5432] as const,
    ['Role', undefined] as const,
    ['Error', null] as const,
  ]
  await printView(out.streams, 'table', { kind: 'record', data: {}, rows })
  expect(out.stdout()).toBe(`Name   ${long}\nPort   5432\nError  -\n`)
})

test('outcomes end with a summary on stderr, unless --quiet is set', async () => {
  const view = { kind: 'outcomes', data: [item('1', 'one')], columns: list([]).columns, summary: '1 deleted.' } as const
  const out = captureStreams()
  await printView(out.streams, 'table', view)
  expect(out.stderr()).toBe('1 deleted.\n')
  const quiet = captureStreams({ flags: { quiet: true } })
  await printView(quiet.streams, 'table', view)
  expect(quiet.stderr()).toBe('')
})
