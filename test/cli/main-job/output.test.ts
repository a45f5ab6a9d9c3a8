import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { plainFields, plainStored } from '../../support/examples.ts'
import { json, jsonError, temporaryFolder } from '../../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../../support/site.ts'
import { dataSourcesOf, unique } from './data-sources.ts'

let site: Site
const { createPlain } = dataSourcesOf(() => site)

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

describe('The output', () => {
  test('is a table, JSON, YAML, names or IDs, of one or many', async () => {
    const { id, name } = await createPlain({ env: 'formats' })
    const run = async (...args: string[]) => (await site.dsctl([...args, '--env', 'formats'])).stdout
    for (const args of [['get', name], ['list']]) {
      expect(await run(...args, '-o', 'id')).toBe(`${id}\n`)
      expect(await run(...args, '-o', 'name')).toBe(`${name}\n`)
      const document = JSON.parse(await run(...args, '-o', 'json'))
      expect(parse(await run(...args, '-o', 'yaml'))).toEqual(document)
      const table = await run(...args)
      expect(table).toBe(await run(...args, '--output=table'))
      for (const text of [id, name, 'formats']) expect(table).toContain(text)
      expect(table).not.toMatch(/[^\n -~]/)
    }
    expect(await run('get', name)).toMatch(/^Password +\[REDACTED\]$/m)
    expect(await run('get', name)).toMatch(/^Host +db\.example\.com$/m)
  })

  test('of create and update equals that of get in every format', async () => {
    for (const format of ['table', 'json', 'yaml', 'name', 'id']) {
      const request = { name: unique('Format'), env: 'dev', type: 'postgres', ...plainFields }
      const made = await site.dsctl(['create', '-f', '-', '-o', format], { stdin: JSON.stringify(request) })
      expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining(format === 'id' ? '-' : request.name) })
      expect((await site.dsctl(['get', request.name, '-o', format])).stdout).toBe(made.stdout)
      const changed = await site.dsctl(['update', request.name, '--port', '7000', '-o', format])
      expect(changed.code).toBe(0)
      expect((await site.dsctl(['get', request.name, '-o', format])).stdout).toBe(changed.stdout)
    }
  })

  test('has the format of DSCTL_OUTPUT unless a flag sets another', async () => {
    const env = { DSCTL_OUTPUT: 'json' }
    expect(json(await site.dsctl(['list'], { env }))).toEqual(expect.any(Array))
    expect((await site.dsctl(['list', '-o', 'id'], { env })).stdout).not.toContain('[')
    expect(jsonError(await site.dsctl(['get', 'none'], { env }))).toMatchObject({ code: 'not_found' })
  })

  test('rejects an unsupported format from a flag, and ignores one from a setting', async () => {
    for (const [format, ...args] of [
      ['id', 'whoami'],
      ['name', 'doctor', '--fix'],
      ['name', 'audit'],
      ['name', 'config', 'list'],
      ['id', 'config', 'profiles'],
      ['name', 'types', 'postgres'],
      ['id', 'types'],
      ['id', 'export'],
    ] as const) {
      const refused = await site.dsctl([...args, '-o', format])
      expect(refused, args.join(' ')).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toMatch(/output: must be one of table, json, yaml.*: this output has no (name|id)/)
    }
    const env = { DSCTL_OUTPUT: 'id' }
    expect((await site.dsctl(['whoami'], { env })).stdout).toMatch(/^User +/)
    expect((await site.dsctl(['config', 'list'], { env })).stdout).toMatch(/^output +id +environment DSCTL_OUTPUT$/m)
  })

  test('escapes terminal control characters in stored names and secrets', async () => {
    const id = await site.addDataSource({ name: `Bad\u001b[31m\u202ename ${randomUUID()}`, env: 'escapes' })
    await site.vault.writeSecret(`data-sources/${id}`, { ...plainStored, host: 'h\u001b]0;title\u0007' })
    for (const format of ['table', 'json', 'yaml', 'name']) {
      for (const args of [
        ['get', id],
        ['list', '--env', 'escapes'],
      ]) {
        const { code, stdout } = await site.dsctl([...args, '-o', format])
        expect(code).toBe(0)
        expect(stdout).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
      }
    }
    expect(json(await site.dsctl(['get', id, '-o', 'json'])).name).toContain('Bad\u001b[31m\u202ename')
  })
})

describe('Options', () => {
  test('of all commands work before and after the command’s name', async () => {
    const { id, name } = await createPlain({ env: 'globals' })
    const globals = [
      '--env',
      'globals',
      '-o',
      'id',
      '--org',
      site.organization.name,
      '--timeout',
      '20',
      '--no-input',
      '--no-color',
      '-q',
    ]
    for (const args of [
      [...globals, 'list'],
      ['list', ...globals],
      ['--env=globals', 'list', '--output=id', '-q'],
      [...globals, 'get', name],
      ['get', ...globals, name],
      ['get', name, '-oid', '--env', 'globals'],
    ]) {
      const result = await site.dsctl(args)
      expect(result, args.join(' ')).toEqual({ code: 0, signal: null, stdout: `${id}\n`, stderr: '' })
    }
  })

  test('-q omits notes, and -v prints each backend call', async () => {
    const { id } = await createPlain()
    expect(await site.dsctl(['update', id, '--port', '7001', '-q', '-o', 'id'])).toMatchObject({
      stdout: `${id}\n`,
      stderr: '',
    })
    const { stderr, stdout } = await site.dsctl(['-v', 'get', id, '-o', 'id'])
    expect(stdout).toBe(`${id}\n`)
    expect(stderr).toMatch(/^postgres find [\d.]+ ms$/m)
    if (ON_EMBEDDED) return
    expect(stderr).toMatch(/^vault GET \/v1\/auth\/token\/lookup-self 200 [\d.]+ ms$/m)
    expect(stderr).toMatch(new RegExp(`^vault GET /v1/${site.vault.mount}/data/data-sources/${id} 200 `, 'm'))
  })

  test('--version and --help need no server', async () => {
    expect(await site.spawnDsctl(['--version']).result).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
    for (const args of [['--help'], ['help'], [], ['create', '--help'], ['help', 'create'], ['config', '--help']]) {
      const result = await site.spawnDsctl(args, {
        env: { VAULT_ADDR: 'http://127.0.0.1:1', DSCTL_DATABASE_URL: undefined },
      }).result
      expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: dsctl'), stderr: '' })
    }
  })
})

describe('types', () => {
  test('lists the types, and the fields of one, without any server', async () => {
    const options = { env: { VAULT_ADDR: undefined, DSCTL_DATABASE_URL: undefined }, home: temporaryFolder() }
    const all = await site.dsctl(['types', '-o', 'json'], options)
    expect(json(all)).toEqual(json(all).map(({ name, label }: Record<string, string>) => ({ name, label })))
    expect(json(all)).toHaveLength(9)
    expect((await site.dsctl(['types'], options)).stdout).toMatch(/^snowflake +Snowflake$/m)
    const { stdout } = await site.dsctl(['types', 'postgres'], options)
    expect(stdout).toMatch(/^FIELD +LABEL +REQUIRED +SECRET +DEFAULT +LIMITS +ALIASES$/m)
    expect(stdout).toMatch(/^port +Port +no +no +5432 +1 to 65535/m)
    expect(stdout).toMatch(/^password +Password +yes +yes/m)
    expect(stdout).toMatch(/^default_database .*database$/m)
  })
})
