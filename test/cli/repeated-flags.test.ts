import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dsctl, json, jsonError, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'

// What happens if a flag is given twice. The flags come from the help of each command.

const REPEATABLE: Readonly<Record<string, readonly string[]>> = {
  list: ['--env', '--type', '--status'],
  ls: ['--env', '--type', '--status'],
  test: ['--env', '--type'],
  export: ['--env', '--type'],
  apply: ['--env'],
  diff: ['--env'],
}
/** What the command line of a command needs to be complete. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  apply: ['-f', 'x'],
  diff: ['-f', 'x'],
  'audit prune': ['--before', '1d'],
  'member add': ['--role', 'viewer'],
  'template set': ['--type', 'mysql'],
}
/** Values of flags and arguments that accept only some. */
const VALUES: Readonly<Record<string, string>> = { '--if-exists': 'skip', '<shell>': 'bash' }

interface CommandHelp {
  readonly words: string
  /** Its flags that take one value. */
  readonly flags: readonly string[]
  readonly args: readonly string[]
}

async function readHelp(words: readonly string[]): Promise<readonly CommandHelp[]> {
  const { stdout } = await dsctl([...words, '--help'])
  const names = [...(/^Commands:\n(?: .*\n)+/m.exec(stdout)?.[0] ?? '').matchAll(/^ {2}([a-z][a-z-]*)/gm)]
  const nested = await Promise.all(
    names.flatMap(([, name = '']) => (name === 'help' ? [] : [readHelp([...words, name])])),
  )
  const flags = [...stdout.matchAll(/^ +(?:-\w, )?(--[a-z-]+) <[^>.]+>/gm)].map(([, flag = '']) => flag)
  const args = [...(/^Usage:.*/.exec(stdout)?.[0] ?? '').matchAll(/<[a-z.]+>/g)].map(([arg]) => VALUES[arg] ?? 'x')
  const own = words.length && !stdout.includes('\nCommands:') ? [{ words: words.join(' '), flags, args }] : []
  return [...own, ...nested.flat()]
}

describe('A flag that takes one value', () => {
  test('cannot be given twice, with any command', async () => {
    const commands = await readHelp([])
    expect(commands.length).toBeGreaterThan(25)
    const wrong: string[] = []
    let tried = 0
    for (const command of commands) {
      const accepted = ['--allow-from', ...(REPEATABLE[command.words] ?? [])]
      for (const flag of command.flags.filter(each => !accepted.includes(each))) {
        const needs = (NEEDS[command.words] ?? []).includes(flag) ? [] : (NEEDS[command.words] ?? [])
        const value = VALUES[flag] ?? 'json'
        const { code, stderr } = await dsctl([
          ...command.words.split(' '),
          ...command.args,
          ...needs,
          flag,
          value,
          flag,
          value,
        ])
        const says = stderr.includes(flag.slice(2)) && stderr.includes('was given 2 times: pass it once')
        if (code !== 2 || !says) wrong.push(`${command.words} ${flag}: ${code} ${stderr}`)
        tried++
      }
    }
    expect(wrong).toEqual([])
    expect(tried).toBeGreaterThan(300)
  })

  test('is counted before and after the command, in every spelling', async () => {
    for (const args of [
      ['--env', 'a', 'get', 'x', '--env=b'],
      ['-o', 'json', '-ojson', 'get', 'x'],
      ['create', '-f', 'a', '--file', 'b'],
      ['--timeout', '1', 'list', '--timeout', '1', '--timeout=2'],
    ]) {
      const { code, stderr } = await dsctl(args)
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringMatching(/was given [23] times: pass it once/),
      })
    }
  })

  test('never shows its values, and is reported with other problems', async () => {
    const result = await dsctl(['create', '--password', 'hunter2', '--password', 'hunter3', '--host', '', '-o', 'json'])
    expect(jsonError(result).fields).toEqual([
      { field: 'host', message: 'must not be empty' },
      { field: 'password', message: 'was given 2 times: pass it once' },
    ])
    expect(result.stdout + result.stderr).not.toContain('hunter')
  })

  test('differs from a switch, which can be repeated', async () => {
    expect((await dsctl(['config', 'path', '-v', '-v', '--verbose', '--no-input', '--no-input'])).code).toBe(0)
  })
})

describe('A repeated filter means any of its values', () => {
  let site: Site
  const names = async (...args: string[]) => {
    const { code, stdout, stderr } = await site.dsctl(args, { home: temporaryFolder() })
    expect(code, stderr).toBe(0)
    return stdout.split('\n').filter(Boolean).sort()
  }

  beforeAll(async () => {
    site = await createSite()
    for (const [name, env, type] of [
      ['A', 'dev', 'mysql'],
      ['B', 'staging', 'postgres'],
      ['C', 'production', 'snowflake'],
    ] as const) {
      await site.addDataSource({ name, env, type })
    }
    await site.database.query(`UPDATE data_sources SET onboarding_status = 'failed' WHERE name = 'B'`)
  })
  afterAll(() => site?.drop())

  test('in list, for types, envs and statuses, with and without commas', async () => {
    for (const page of [[], ['--all']]) {
      const listed = (...args: string[]) => names('list', ...page, ...args, '-o', 'name')
      expect(await listed('--type', 'mysql', '--type', 'postgres')).toEqual(['A', 'B'])
      expect(await listed('--type', 'mysql,snowflake')).toEqual(['A', 'C'])
      expect(await listed('--env', 'dev', '--env', 'production')).toEqual(['A', 'C'])
      expect(await listed('--env', 'dev,staging', '--env', 'dev')).toEqual(['A', 'B'])
      expect(await listed('--status', 'failed', '--status', 'notStarted')).toEqual(['A', 'B', 'C'])
      expect(await listed('--status', 'failed,completed')).toEqual(['B'])
      expect(await listed('--env', 'dev', '--env', 'staging', '--type', 'postgres', '--type', 'mysql')).toEqual([
        'A',
        'B',
      ])
    }
  })

  test('in test, for types and envs', async () => {
    const tested = async (...args: string[]) => {
      const result = await site.dsctl(['test', ...args, '-o', 'json'])
      return json(result)
        .map(({ name }: { name: string }) => name)
        .sort()
    }
    expect(await tested('--type', 'mysql', '--type', 'postgres')).toEqual(['A', 'B'])
    expect(await tested('--all', '--env', 'dev', '--env', 'production')).toEqual(['A', 'C'])
  })

  test('in export, for types and envs', async () => {
    const warned = async (...args: string[]) => {
      const { stderr } = await site.dsctl(['export', ...args])
      return [...stderr.matchAll(/(\w) \(\w+\) has no credentials/g)].map(([, name]) => name)
    }
    expect(await warned('--type', 'mysql', '--type', 'snowflake')).toEqual(['A', 'C'])
    expect(await warned('--env', 'dev', '--env', 'staging')).toEqual(['A', 'B'])
  })

  test('and is checked value by value', async () => {
    const problem = async (...args: string[]) => jsonError(await site.dsctl([...args, '-o', 'json'])).fields
    expect(await problem('list', '--type', 'mysql', '--type', 'oracel')).toMatchObject([{ field: 'type' }])
    expect(await problem('list', '--status', 'failed,done')).toMatchObject([{ field: 'status' }])
    expect(await problem('list', '--env', 'dev,')).toEqual([{ field: 'env', message: 'must not be empty' }])
    expect(await problem('export', '--type', 'mysql,')).toEqual([{ field: 'type', message: 'must not be empty' }])
    expect(await problem('test', 'A', '--env', 'dev', '--env', 'staging')).toEqual([
      { field: 'env', message: 'can have several values only with --all or --type' },
    ])
  })
})
