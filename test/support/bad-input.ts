import { expect } from 'vitest'
import { MARKERS } from '../unit/source-types/samples.ts'
import { plainFields } from './examples.ts'
import { folderWith } from './requests.ts'
import { jsonError, type RunResult } from './run.ts'
import type { Site } from './site.ts'
import { everythingIn } from './stored.ts'

export interface Attempt {
  readonly args: readonly string[]
  readonly stdin?: string | Buffer
  readonly files?: Readonly<Record<string, string | Buffer>>
  readonly env?: Readonly<Record<string, string>>
}

export interface Refusal {
  /** The fields that the error names, in order. */
  readonly fields?: readonly string[]
  /** What the user reads: what is wrong, and what to do. */
  readonly says: RegExp
  /** Whether the refusal is in the audit trail. */
  readonly audited?: boolean
}

/**
 * Runs a command as text and with -o json, and checks that both report the same problems, write nothing and print no
 * marker. `audited`: the refusal itself may be in the audit trail.
 */
export async function expectRefusal(
  site: Site,
  { files = {}, args, stdin, env }: Attempt,
  { fields, says, audited = false }: Refusal,
) {
  const cwd = folderWith(files)
  const before = await everythingIn(site)
  const text = await site.dsctl(args, { stdin, cwd, env })
  const document = await site.dsctl([...args, '-o', 'json'], { stdin, cwd, env })
  for (const result of [text, document]) {
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expectNoMarker(result)
  }
  expect(text.stderr).toMatch(says)
  expect(text.stderr).toMatch(/^dsctl: [^\n]+\n/)
  expect(text.stderr).not.toMatch(/ {2,}at |undefined|\[object/)
  const error = jsonError(document)
  expect(error).toMatchObject({ code: 'invalid', status: 400, exit_code: 2 })
  expect(error.fields?.map(({ field }) => field)).toEqual(fields)
  expect(text.stderr).toMatch(asText(error))
  const after = await everythingIn(site)
  if (!audited) expect(after).toEqual(before)
  else
    expect({ records: after.records, secrets: after.secrets }).toEqual({
      records: before.records,
      secrets: before.secrets,
    })
}

/** Each problem on a line of its own, the hint last. The same problem of several requests is one line. */
function asText({ message, fields = [], hint }: ReturnType<typeof jsonError>): RegExp {
  const line = (text: string) => `${text.replaceAll('\n', '\\n')}\n`
  const [first, last] = [line(`dsctl: ${message}`), hint === undefined ? '' : line(hint)]
  const different = new Set(fields.map(problem => `${problem.field.split(', ').at(-1)}: ${problem.message}`))
  if (different.size === fields.length) {
    return exactly(first + fields.map(problem => line(`  ${problem.field}: ${problem.message}`)).join('') + last)
  }
  const lines = [...different].map(problem => `  ${escapeRegExp(problem)} \\(in \\d+ requests, first in .*\\)\n`)
  return new RegExp(`^${escapeRegExp(first)}${lines.join('')}${escapeRegExp(last)}$`)
}

function exactly(text: string): RegExp {
  return new RegExp(`^${escapeRegExp(text)}$`)
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

export function expectNoMarker({ stdout, stderr }: RunResult) {
  for (const marker of [...MARKERS, 'MARKER']) expect(stdout + stderr).not.toContain(marker)
}

const FLAGS = {
  env: 'dev',
  type: 'postgres',
  host: 'db.example.com',
  username: 'db_user',
  password: '-',
  'default-database': 'main_db',
}

/** A create by flags, valid except for the given ones. Undefined leaves a flag out. */
export function byFlags(flags: Readonly<Record<string, string | undefined>>, name = 'New'): Attempt {
  const all = Object.entries({ ...FLAGS, ...flags })
  const args = all.flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, value]))
  return { args: ['create', name, ...args], stdin: 'MARKERpassword' }
}

/** A create by a request on standard input, valid except for the given fields. */
export function byRequest(fields: Readonly<Record<string, unknown>>): Attempt {
  const request = { name: 'New', env: 'dev', type: 'postgres', ...plainFields, ...fields }
  return { args: ['create', '-f', '-'], stdin: JSON.stringify(request) }
}

/** A create by a request file of this text. */
export function byFile(text: string | Buffer, name = 'request.json'): Attempt {
  return { args: ['create', '-f', name], files: { [name]: text } }
}
