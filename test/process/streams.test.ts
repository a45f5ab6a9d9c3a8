import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { someOf } from '../support/all-cases.ts'
import { ENDS, type Ends, type Redirected, redirected } from '../support/redirected.ts'
import { createSite, type Site } from '../support/site.ts'

// Any combination of standard input, output and error. dsctl asks only if all three are terminals, uses colour and a
// spinner only on a terminal, reads no input that it does not need, and ends.

let site: Site
let env: Record<string, string>
let id: string
const request = { env: 'dev', type: 'mysql', host: '127.0.0.1', port: 1, username: 'u', default_database: 'd' }
const KEPT = 'not for dsctl\n'

beforeAll(async () => {
  site = await createSite()
  env = { ...site.env, DSCTL_SECRET_P: 'marker-password' }
  id = await make('Sales')
})
afterAll(() => site?.drop())

async function make(name: string): Promise<string> {
  const stdin = JSON.stringify({ name, ...request, password: { from: 'env:DSCTL_SECRET_P' } })
  const result = await site.dsctl(['create', '-f', '-', '-o', 'id'], { env, stdin })
  expect(result, result.stderr).toMatchObject({ code: 0 })
  return result.stdout.trim()
}

interface Case {
  readonly args: readonly string[]
  readonly code: number
  readonly stdout?: RegExp
  readonly stderr?: RegExp
  /** The question at a terminal, the reply to type, and the exit code that follows. */
  readonly asks?: { readonly to: RegExp; readonly text: string; readonly code: number }
  readonly stdin?: string
}

const CTRL_C = '\u0003'
const CASES: readonly [string, () => Case][] = [
  [
    'create without required fields',
    () => ({
      args: ['create', 'New', '--env', 'dev', '--type', 'mysql'],
      code: 2,
      stderr: /Missing: --host, --username, --password, --default-database\./,
      asks: { to: /\? Host/, text: CTRL_C, code: 130 },
    }),
  ],
  ['list', () => ({ args: ['list'], code: 0, stdout: /^NAME +TYPE.*Sales/s })],
  ['get', () => ({ args: ['get', id, '-o', 'json'], code: 0, stdout: /"name": "Sales"/ })],
  [
    'delete without --yes',
    () => ({
      args: ['delete', 'Sales', '--env', 'dev'],
      code: 2,
      stderr: /Pass --yes\./,
      asks: { to: /Type Sales to confirm/, text: CTRL_C, code: 130 },
    }),
  ],
  ['test', () => ({ args: ['test', 'Sales', '--timeout', '1'], code: 8, stdout: /unreachable/ })],
  [
    'apply -f -',
    () => ({
      args: ['apply', '-f', '-'],
      code: 0,
      stdout: /Sales +dev +unchanged/,
      stdin: JSON.stringify({ name: 'Sales', ...request, password: { from: 'env:DSCTL_SECRET_P' } }),
    }),
  ],
]

/** 25 combinations that contain every pair of ends. All cases together contain every triple. */
function square(nth: number): Ends[] {
  return ENDS.flatMap((stdin, i) =>
    ENDS.map((stdout, j) => ({ stdin, stdout, stderr: ENDS[(i + j + nth) % ENDS.length] ?? 'null' })),
  )
}

describe('With any three streams dsctl does not ask, hang or read without need:', () => {
  test.each(CASES.map(([name, from], nth) => [name, from, someOf(square(nth), 6)] as const))(
    '%s',
    async (_, from, all) => {
      const each = from()
      const readsTerminal = (ends: Ends) => each.stdin !== undefined && ends.stdin === 'terminal'
      const tried = all.filter(ends => !readsTerminal(ends))
      const allTerminals = { stdin: 'terminal', stdout: 'terminal', stderr: 'terminal' } as const
      await inTurns(each.asks ? [...tried, allTerminals] : tried, async ends => {
        const options = { env, home: site.home, stdin: each.stdin ?? KEPT, ...(each.asks && { answer: each.asks }) }
        const result = await redirected(each.args, ends, options)
        expect(problemsOf(each, ends, result), JSON.stringify({ ends, result }, null, 1)).toEqual([])
      })
    },
  )
})

function problemsOf(each: Case, ends: Ends, { code, stdout, stderr, screen, left }: Redirected): string[] {
  const mayAsk = Object.values(ends).every(end => end === 'terminal')
  const noInput = each.stdin !== undefined && ['null', 'closed'].includes(ends.stdin)
  const expected = noInput ? 2 : mayAsk && each.asks ? each.asks.code : each.code
  const on = (end: string, text: string | undefined) => (end === 'terminal' ? stripVTControlCharacters(screen) : text)
  const problems = [
    code !== expected && `exit ${code}, not ${expected}`,
    !mayAsk && /\? /.test(screen) && 'it asks',
    `${stdout ?? ''}${stderr ?? ''}`.includes('\u001b') && 'it paints what is no terminal',
    left !== undefined && left !== (each.stdin ? '' : KEPT) && `left of standard input: ${left}`,
    !noInput && lacks(on(ends.stdout, stdout), each.stdout) && 'its output is not there',
    !noInput && !(mayAsk && each.asks) && lacks(on(ends.stderr, stderr), each.stderr) && 'its message is not there',
    each.stdout === undefined && !mayAsk && !!stdout && 'standard output is not empty',
  ]
  return problems.flatMap(problem => problem || [])
}

function lacks(text: string | undefined, expected: RegExp | undefined): boolean {
  return text !== undefined && expected !== undefined && !expected.test(text.replaceAll('\r', ''))
}

/** Runs two at a time. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items]
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all([worker(), worker()])
}
