import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainFields } from '../support/examples.ts'
import { folderWith } from '../support/requests.ts'
import { BIN, cleanEnvironment, json, jsonError, type RunResult, spawnDsctl, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { everythingIn, livePairs } from '../support/stored.ts'

// Untrusted files. Their problems are reported, in bounded memory, and nothing is written.

const MARKER = plainFields.password
const MIB = 1024 * 1024
let site: Site
beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

const request = (name: string, more: object = {}) => ({ name, env: 'dev', type: 'postgres', ...plainFields, ...more })
const line = (name: string, more = '') => JSON.stringify(request(name)).replace(/\}$/, `${more}}`)

/** Gives a file to each command that reads one. Each must refuse it and change nothing. */
async function refusedBy(verbs: readonly string[], content: string, name: string): Promise<RunResult[]> {
  const before = await everythingIn(site)
  const file = join(folderWith({ [name]: content }), name)
  const results: RunResult[] = []
  for (const verb of verbs) results.push(await site.dsctl([verb, '-f', file, '-o', 'json']))
  expect(results.map(({ code, stdout }) => `${code} ${stdout}`)).toEqual(verbs.map(() => '2 '))
  expect(results.map(({ stderr }) => stderr).join('')).not.toContain(MARKER)
  expect(await everythingIn(site)).toEqual(before)
  return results
}

const BATCH = ['apply', 'diff']

describe('a duplicate key', () => {
  const twice = ' has a duplicate key in an object (line '
  test.each([
    ['in a request', line('A', ',"host":"other.example.com"'), 1],
    ['with the same value', line('A', ',"env":"dev"'), 1],
    ['written in two ways', line('A', ',"p\\u006frt":1,"port":1'), 1],
    ['in one of several', `[\n${line('A')},\n${line('B', ',"password":"x"')}\n]`, 3],
    ['within a field', line('A', ',"service_account_key":{"a":1,"a":{"b":"}"}}'), 1],
    ['after what looks like one', line('A', ',"role":"\\"host\\":{\\\\","name":"B"'), 1],
  ])('is refused %s', async (_, content, where) => {
    const several = content.startsWith('[')
    const results = await refusedBy(several ? BATCH : [...BATCH, 'create'], content, 'twice.json')
    for (const result of results) expect(jsonError(result).message).toContain(`twice.json${twice}${where}).`)
  })

  test('is refused in YAML, and in NDJSON with its line', async () => {
    const [ndjson] = await refusedBy(BATCH, `${line('A')}\n${line('B', ',"env":"dev"')}\n`, 'twice.ndjson')
    expect(ndjson && jsonError(ndjson).message).toContain('twice.ndjson has a duplicate key in an object (line 2)')
    await refusedBy([...BATCH, 'create'], `name: ${MARKER}\nenv: dev\nname: ${MARKER}\n`, 'twice.yaml')
  })

  test('is not one in separate objects, or as a value', async () => {
    const name = 'host'
    const requests = `[${line(name)}, ${line('port', ',"schema":"name"')}]`
    const result = await site.dsctl(['apply', '-f', '-', '-o', 'json'], { stdin: requests })
    expect(result.code, result.stderr).toBe(0)
    expect(json(result)).toHaveLength(2)
  })
})

describe('a source that is twice in a batch', () => {
  test.each<[string, Record<string, string>]>([
    ['in one file', { 'a.yaml': `- ${line('Two')}\n- ${line('Two')}\n` }],
    ['in two files', { 'a.json': line('Two'), 'b.json': line('Two', ',"schema":"other"') }],
    ['but for spaces around it', { 'a.json': line('Two'), 'b.json': line(' Two ') }],
  ])('is refused %s', async (_, files) => {
    const before = await everythingIn(site)
    for (const verb of BATCH) {
      const result = await site.dsctl([verb, '-f', folderWith(files), '-o', 'json'])
      expect(result.code).toBe(2)
      expect(jsonError(result).fields).toEqual([
        {
          field: expect.stringContaining('name'),
          message: expect.stringMatching(/^appears twice in env dev: also in /),
        },
      ])
    }
    expect(await everythingIn(site)).toEqual(before)
  })

  test('is not one with another env or case', async () => {
    const three = [request('Same'), request('Same', { env: 'other' }), request('same')]
    const result = await site.dsctl(['apply', '-f', '-', '-o', 'json'], { stdin: JSON.stringify(three) })
    expect(result.code, result.stderr).toBe(0)
    expect((await livePairs(site)).filter(({ name }) => /^same$/i.test(name))).toHaveLength(3)
  })
})

describe('a YAML bomb', () => {
  const levels = (count: number, wide: number) =>
    Array.from({ length: count }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(wide).fill(`*a${n}`).join(',')}]\n`).join(
      '',
    )
  test.each([
    ['of lists', `a0: &a0 ${MARKER}\n${levels(12, 9)}`],
    ['of lists in the second document', `${line('A')}\n---\na0: &a0 ${MARKER}\n${levels(30, 2)}`],
    ['of maps', `a0: &a0 {x: ${MARKER}}\n${levels(9, 9).replaceAll('[', '{k: [').replaceAll(']', ']}')}`],
    ['that is in itself', `a: &a [*a, ${MARKER}]\n`],
    ['of anchors that merge', `a: &a {x: ${MARKER}}\nb: &b {<<: *a}\n${levels(9, 9).replaceAll('a', 'b')}`],
    ['of brackets', `a: ${'['.repeat(50_000)}\n`],
    ['of keys', `${'? '.repeat(50_000)}\n`],
  ])('%s is refused', async (_, content) => {
    await refusedBy([...BATCH, 'create'], content, 'bomb.yaml')
  })
})

describe('input that is too large', () => {
  /** Runs dsctl, which must refuse its input. Returns its peak memory in MiB; undefined except on Linux. */
  async function measured(args: readonly string[], stdin?: number) {
    const running = spawnDsctl(args, { env: site.env, home: site.home, timeout: 60_000 })
    if (stdin !== undefined) running.child.stdin?.end()
    let most: number | undefined
    const look = setInterval(() => {
      const status = `/proc/${running.child.pid}/status`
      try {
        most = Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync(status, 'utf8'))?.[1]) / 1024 || most
      } catch {} // it has ended, or this is not Linux
    }, 5)
    const result = await running.result
    clearInterval(look)
    return { result, most }
  }

  const sparse = (size: number, name: string) => {
    const file = join(temporaryFolder(), name)
    writeFileSync(file, '')
    truncateSync(file, size)
    return file
  }

  test.each(['json', 'yaml'])('a file of 100 MiB is refused in bounded memory: %s', async extension => {
    for (const [verb, most] of [
      ['apply', '64 MiB'],
      ['diff', '64 MiB'],
      ['create', '1 MiB'],
    ] as const) {
      const { result, most: memory } = await measured([verb, '-f', sparse(100 * MIB, `large.${extension}`)])
      expect(result.code, result.stderr).toBe(2)
      expect(result.stderr).toContain(`larger than ${most}`)
      expect(memory ?? 0).toBeLessThan(400)
    }
  })

  test('an endless file and standard input are refused in bounded memory', async () => {
    const { result, most } = await measured(['apply', '-f', '/dev/zero'])
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining('larger than 64 MiB')])
    expect(most ?? 0).toBeLessThan(400)
    const endless = openSync('/dev/zero', 'r')
    try {
      for (const [verb, limit] of [
        ['apply', '64 MiB'],
        ['create', '1 MiB'],
      ] as const) {
        const result = await fedBy(endless, [verb, '-f', '-'])
        expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(`larger than ${limit}`) })
      }
    } finally {
      closeSync(endless)
    }
  })

  test.each([
    [
      'YAML of 17 MiB',
      'a.yaml',
      `name: x\nca: |\n${'  line\n'.repeat((17 * MIB) / 7 + 1)}`,
      '16 MiB, the limit for YAML',
    ],
    ['YAML of a million parts', 'a.yaml', `a: [${'1, '.repeat(1_000_001)}1]`, 'more than 1000000 values'],
    ['JSON of two million parts', 'a.json', `{"a": [${'1,'.repeat(2_000_001)}1]}`, 'more than 2000000 values'],
    ['200,000 requests', 'a.json', `[${'{},'.repeat(200_000)}{}]`, 'more than 20000 requests'],
  ])('%s is refused before memory runs out', async (_, name, content, message) => {
    const { result, most } = await measured(['apply', '-f', join(folderWith({ [name]: content }), name)])
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining(message)])
    expect(most ?? 0).toBeLessThan(400)
  })
})

/** Runs dsctl with an open file as its standard input. */
function fedBy(stdin: number, args: readonly string[]): Promise<RunResult> {
  const env = cleanEnvironment(site.env, site.home)
  return ended(spawn(process.execPath, [BIN, ...args], { env, stdio: [stdin, 'pipe', 'pipe'], timeout: 60_000 }))
}

function ended(child: ChildProcess): Promise<RunResult> {
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', data => {
    stdout += data
  })
  child.stderr?.on('data', data => {
    stderr += data
  })
  return new Promise(resolve => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })))
}

describe('a file that changes during the read', () => {
  test.each([
    ['apply', 30 * MIB],
    ['create', MIB - 4096],
  ])('is refused by %s, and accepted after the change', async (verb, size) => {
    const name = `Changing ${verb}`
    const file = join(temporaryFolder(), 'changing.json')
    writeFileSync(file, line(name).padEnd(size))
    const writer = spawn(process.execPath, ['-e', WRITER, file, String(size)], { stdio: 'ignore' })
    let refused = false
    try {
      // If the writer did not run during the read, nothing has changed.
      for (let tries = 0; tries < 10 && !refused; tries++) {
        const result = await site.dsctl([verb, '-f', file, '--dry-run'])
        refused = result.stderr.includes('changing.json changed while it was read')
        expect(result.code, result.stderr).toBe(refused ? 2 : 0)
      }
    } finally {
      writer.kill('SIGKILL')
    }
    expect(refused).toBe(true)
    const done = await site.dsctl([verb, '-f', file])
    expect(done.code, done.stderr).toBe(0)
  })

  /** Keeps overwriting the last byte of a file with the same value, until the process that started it has ended. */
  const WRITER = `
    const fs = require('node:fs'), file = fs.openSync(process.argv[1], 'r+'), at = Number(process.argv[2]) - 1
    for (const parent = process.ppid; process.ppid === parent; ) fs.writeSync(file, ' ', at)`

  test.skipIf(process.platform === 'win32')('a pipe is not such a file: it is read to its end', async () => {
    const file = join(folderWith({ 'piped.json': line('Piped') }), 'piped.json')
    const script = 'cat "$0" | "$1" "$2" apply -f /dev/stdin -o json'
    const result = await ended(
      spawn('sh', ['-c', script, file, process.execPath, BIN], {
        ...{ env: cleanEnvironment(site.env, site.home), stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 },
      }),
    )
    expect(result.code, result.stderr).toBe(0)
    expect(json(result)).toMatchObject([{ name: 'Piped', action: 'created' }])
  })
})

describe('--allow-from', () => {
  const withSource = (from: string) => JSON.stringify([request('Allowed', { password: { from } })])
  test.each([
    ['apply', 0],
    ['diff', 9],
    ['test', 8],
  ])('lets a request file of %s use more sources, and only those', async (verb, code) => {
    const env = { DS_PASSWORD: MARKER, VAULT_SECOND_TOKEN: MARKER }
    const run = (from: string, ...args: string[]) => {
      const content =
        verb === 'test'
          ? JSON.stringify(request('Allowed', { host: '127.0.0.1', port: 1, password: { from } }))
          : withSource(from)
      return site.dsctl([verb, '-f', '-', ...args], { stdin: content, env })
    }
    const refused = await run('env:DS_PASSWORD')
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--allow-from env:DS_PASSWORD')])
    const other = await run('env:DS_PASSWORD', '--allow-from', 'env:OTHER_*', '--allow-from', 'vault:kv/*')
    expect(other.code).toBe(2)
    const never = await run('env:VAULT_SECOND_TOKEN', '--allow-from', 'env:*')
    expect(never.code).toBe(2)
    const wrong = await run('env:DS_PASSWORD', '--allow-from', 'DS_*')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('allow-from: must be a source, in which *')])
    const allowed = await run('env:DS_PASSWORD', '--allow-from', 'env:OTHER_*', '--allow-from', 'env:DS_*')
    expect(allowed.code, allowed.stderr).toBe(code)
    expect(allowed.stdout + allowed.stderr).not.toContain(MARKER)
    await site.dsctl(['delete', 'Allowed', '--yes', '--ignore-not-found'])
  })
})
