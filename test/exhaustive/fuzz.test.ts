import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { ERROR_CODES } from '../../src/domain/errors.ts'
import { fieldFlags } from '../../src/source-types/field-flags.ts'
import { sourceTypes } from '../../src/source-types/index.ts'
import { dsctl, type RunResult, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { everythingIn } from '../support/stored.ts'

// Command lines, requests, files and settings that nobody would write: no stack, an exit code of the table, no secret
// repeated, nothing written. Much of it in this process, some through the command. DSCTL_TEST_FUZZ says for how many
// seconds each search goes on (4 unless given), DSCTL_TEST_SEED repeats one whose seed a failure has named.

const SECONDS = Number(process.env.DSCTL_TEST_FUZZ ?? 4)
const SEED = Number(process.env.DSCTL_TEST_SEED ?? Date.now() % 1e9)
const SECRET = 'CANARY7f3a'
const EXITS: readonly number[] = Object.values(ERROR_CODES).map(({ exit }) => exit)

const FLAGS = fieldFlags(sourceTypes)
const TYPES = sourceTypes.map(({ name }) => name)
const SECRETS = [...new Set(FLAGS.filter(({ secret }) => secret).map(({ field }) => field))]
const PLAIN = [...new Set(FLAGS.filter(({ secret }) => !secret).map(({ field }) => field))]

beforeAll(() => console.log(`Seed: ${SEED}`))

const odd = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    ' ',
    '-',
    '--',
    '=',
    '@',
    '@/dev/null',
    'env:',
    'env:X',
    'vault:',
    'vault:a/b#c',
    '[REDACTED]',
    '****',
  ),
  fc.constantFrom(
    '0',
    '-1',
    '1e9',
    'NaN',
    '65536',
    'true',
    'null',
    '[]',
    '{}',
    '*',
    '__proto__',
    'constructor',
    '%s',
    '\u0000',
  ),
  fc.constantFrom(
    'null\u0000',
    '\u001b[2J',
    '\u202e',
    '\ufeff',
    '𝒳',
    'a'.repeat(5000),
    '../../etc',
    "'; drop table x",
    '$HOME',
  ),
)

describe('fuzzing in this process:', () => {
  const home = temporaryFolder()
  const env = {
    HOME: home,
    DSCTL_CONFIG_DIR: join(home, 'settings'),
    // Nothing answers there: whatever gets so far is exit 7.
    DSCTL_DATABASE_URL: 'postgres://u@127.0.0.1:1/d',
    VAULT_ADDR: 'http://127.0.0.1:1',
    VAULT_TOKEN: SECRET,
    DSCTL_SECRET_P: SECRET,
  }

  const words =
    'create list ls get update delete rm test onboarding apply diff export types doctor logout whoami member audit'
  const flagNames = [
    ...FLAGS.map(({ flag }) => flag),
    '--name',
    '--env',
    '--org',
    '--type',
    '--file',
    '--output',
    '--page',
  ]
    .concat([
      '--page-size',
      '--timeout',
      '--status',
      '--since',
      '--role',
      '--error',
      '--unset',
      '--set-name',
      '--parallel',
    ])
    .concat([
      '--if-exists',
      '--allow-from',
      '--prune-max',
      '--action',
      '--before',
      '--to-env',
      '--template',
      '--search',
    ])
  const switches = [
    '--dry-run',
    '--yes',
    '--all',
    '--no-color',
    '-q',
    '-v',
    '--no-input',
    '--force',
    '--deep',
    '--help',
  ]
  const part = fc.oneof(
    fc.tuple(fc.constantFrom(...flagNames), odd).map(([flag, value]) => [flag, value]),
    fc.tuple(fc.constantFrom(...flagNames), odd).map(([flag, value]) => [`${flag}=${value}`]),
    fc.constantFrom(...switches).map(flag => [flag]),
    fc.constantFrom(...SECRETS).map(field => [`--${field.replaceAll('_', '-')}`, SECRET]),
    fc.constantFrom(...SECRETS).map(field => [`--${field.replaceAll('_', '-').slice(0, -1)}=${SECRET}`]),
    odd.filter(value => value !== '--').map(value => [value]),
    fc.constantFrom('-ojson', '-f-', '-x', '--output=yaml').map(text => [text]),
  )
  // At the end alone: before a secret's flag, each would make an argument of the secret.
  const end = fc.constantFrom([], [], ['-o'], ['-f'], ['--', 'x'])
  const line = fc.tuple(fc.constantFrom(...words.split(' ')), fc.array(part, { maxLength: 7 }), end)

  test('command lines', async () => {
    await search(fc.tuple(line, fc.boolean(), odd), async ([[word, parts, last], asJson, stdin]) => {
      const args = [word, ...parts.flat(), ...(asJson ? ['--output', 'json'] : []), ...last]
      // `--` as a flag's value is taken for the end of the options by what looks for -o.
      expectFailure(await dsctl(args, { env, stdin }), asJson && !parts.flat().includes('--'))
    })
  })

  test('requests, as JSON, as YAML and broken', async () => {
    const commands = [
      ['create', '-f', '-'],
      ['apply', '-f', '-'],
      ['diff', '-f', '-'],
      ['update', 'x', '-f', '-'],
      ['test', '-f', '-'],
    ]
    const input = fc.tuple(fc.constantFrom(...commands), requestText, fc.boolean())
    await search(input, async ([args, stdin, asJson]) => {
      expectFailure(await dsctl([...args, ...(asJson ? ['-o', 'json'] : [])], { env, stdin }), asJson)
    })
  })

  test('settings files and variables', async () => {
    const values = fc.dictionary(
      fc.oneof(fc.constantFrom('env', 'output', 'vault.path', 'org'), odd),
      fc.oneof(odd, fc.json()),
    )
    const file = fc.oneof(
      fc.json(),
      odd,
      fc
        .record({ version: fc.constantFrom(1, 1, 1, 2, '1'), current: odd, profiles: fc.dictionary(odd, values) })
        .map(made => JSON.stringify(made)),
    )
    const variables = fc.record(
      { DSCTL_PROFILE: odd, DSCTL_OUTPUT: odd, DSCTL_ENV: odd, VAULT_NAMESPACE: odd, PGSSLMODE: odd },
      { requiredKeys: [] },
    )
    const folder = temporaryFolder()
    const path = join(folder, 'config.json')
    await search(fc.tuple(file, variables), async ([content, more]) => {
      mkdirSync(folder, { recursive: true })
      writeFileSync(path, content)
      const given: Record<string, string> = { ...env, ...withoutNul(more), DSCTL_CONFIG_DIR: folder }
      if (given.DSCTL_PROFILE === 'embedded') return
      expectFailure(await dsctl(['list'], { env: given, stdin: '' }), false)
      expect(readFileSync(path, 'utf8')).toBe(content)
    })
  })
})

describe('fuzzing the command', () => {
  let site: Site

  beforeAll(async () => {
    site = await createSite()
  })
  afterAll(() => site?.drop())

  test('nothing is written unless the command exits with 0', async () => {
    const before = await written()
    const commands = [
      ['create', '-f', '-'],
      ['apply', '-f', '-'],
      ['update', 'x', '-f', '-'],
    ]
    const env = { DSCTL_SECRET_P: SECRET }
    await search(fc.tuple(fc.constantFrom(...commands), requestText), async ([args, stdin]) => {
      const result = await site.dsctl([...args, '-o', 'json'], { env, stdin: Buffer.from(stdin) })
      if (result.code === 0 || result.code === 8) return site.dsctl(['apply', '-f', '-'], { stdin: '[]' })
      expectFailure(result, true)
      expect(await written()).toEqual(before)
      return undefined
    })
  })

  async function written() {
    const { records, secrets, intents } = await everythingIn(site)
    return { records, secrets: Object.keys(secrets), intents: intents.filter(({ state }) => state !== 'closed') }
  }
})

/** What is asked of each: an exit code of the table that is no bug, no stack, no secret, and one document as JSON. */
function expectFailure({ code, stdout, stderr }: RunResult, asJson: boolean): void {
  expect(stdout + stderr).not.toContain(SECRET)
  expect(stderr).not.toMatch(/^ +at |This is a bug/m)
  expect([0, ...EXITS]).toContain(code)
  expect(code, stderr).not.toBe(1)
  if (code === 0 || code === 8 || code === 9) return
  expect(stdout).toBe('')
  const document = stderr.slice(stderr.search(/^{$/m))
  if (asJson) expect(JSON.parse(document).error.exit_code).toBe(code)
  else expect(stderr).toMatch(/^dsctl: |^ {2}"error": {/m) // the last -o of a line may say json
}

async function search<T>(values: fc.Arbitrary<T>, check: (value: T) => Promise<unknown>): Promise<void> {
  const limits = { numRuns: 1e6, interruptAfterTimeLimit: SECONDS * 1000, markInterruptAsFailure: false }
  let tried = 0
  const property = fc.asyncProperty(values, async value => {
    tried++
    await check(value)
  })
  await fc.assert(property, { ...limits, seed: SEED, endOnFailure: false })
  expect(tried).toBeGreaterThan(3)
}

const json = fc.jsonValue({ maxDepth: 2 })
const source = fc.oneof(
  fc.constant(SECRET),
  fc.constant({ from: 'env:DSCTL_SECRET_P' }),
  fc.constant({ from: SECRET }),
  fc.constant({ from: `@${SECRET}` }),
  fc.constant([SECRET]),
  fc.constant({ [SECRET]: SECRET }),
  fc.constant(`${SECRET}\n${SECRET}`),
)
const request = fc
  .tuple(
    fc.record(
      {
        name: fc.oneof(odd, json),
        env: fc.oneof(fc.constantFrom('dev', 'prod'), odd, json),
        type: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...TYPES) }, odd, json),
      },
      { requiredKeys: ['name'] },
    ),
    fc.dictionary(fc.constantFrom(...PLAIN), fc.oneof(odd, json), { maxKeys: 8 }),
    fc.dictionary(fc.constantFrom(...SECRETS, 'pasword', 'token'), source, { maxKeys: 4 }),
    fc.dictionary(odd, fc.constant(SECRET), { maxKeys: 1 }),
  )
  .map(parts => Object.assign({}, ...parts))
const document = fc.oneof(request, fc.array(request, { maxLength: 3 }), json)

/** The value as text in a file, intact or broken. */
const requestText: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: document.map(made => JSON.stringify(made)) },
  { weight: 2, arbitrary: document.map(made => stringify(made)) },
  fc.array(request, { maxLength: 3 }).map(all => all.map(each => JSON.stringify(each)).join('\n')),
  fc.array(request, { maxLength: 3 }).map(all => all.map(each => stringify(each)).join('---\n')),
  fc.tuple(document, fc.nat(), odd).map(([made, at, more]) => broken(JSON.stringify(made), at, more)),
  fc.tuple(document, fc.nat(), odd).map(([made, at, more]) => broken(stringify(made), at, more)),
  fc.uint8Array({ maxLength: 200 }),
)

/** Cut off somewhere, with something put in its place. */
function broken(text: string, at: number, more: string): string {
  return `${text.slice(0, at % (text.length + 1))}${more}`
}

function withoutNul(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, (value ?? '').replaceAll('\u0000', '')]),
  )
}
