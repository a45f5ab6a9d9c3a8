import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { splitCommandLine } from '../../src/cli/completion/split-command-line.ts'
import { ONBOARDING_STATUSES } from '../../src/domain/data-source.ts'
import { OUTPUT_FORMATS } from '../../src/domain/output-format.ts'
import { sourceTypes } from '../../src/source-types/index.ts'
import { cleanEnvironment, dsctl, temporaryFolder } from '../support/run.ts'
import { pathWithDsctl } from '../support/shell.ts'
import { openProgram, type Terminal } from '../support/terminal.ts'

// Completion opens no connection, so there is no server.

const TYPES = sourceTypes.map(({ name }) => name)
const home = temporaryFolder()
let path: string

beforeAll(() => {
  path = pathWithDsctl()
  const profiles = { staging: {}, production: {} }
  mkdirSync(join(home, 'dsctl-config'))
  writeFileSync(join(home, 'dsctl-config/config.json'), JSON.stringify({ version: 1, profiles }))
  writeFileSync(join(home, 'sources one.yaml'), '')
})

describe('Completion of', () => {
  const completed = async (...words: string[]) => {
    const { code, stdout, stderr } = await dsctl(['__complete', '--', ...words], { home })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout.split('\n').slice(0, -1)
  }
  const values = async (...words: string[]) => (await completed(...words)).map(line => line.split('\t')[0])

  test.each<[string, string[], readonly string[]]>([
    ['part of a command', ['on'], ['onboarding']],
    ['help', ['help', 'ex'], ['export', 'exit-codes']],
    ['a subcommand', ['member', 'a'], ['add']],
    ['part of a flag', ['create', '--na', 'x', '--ty'], ['--type']],
    ['--type', ['list', '--type', ''], TYPES],
    ['--type=', ['list', '--type=s'], ['snowflake', 'sqlserver', 'supabase'].map(name => `--type=${name}`)],
    ['-o', ['get', 'Sales', '-o', ''], OUTPUT_FORMATS],
    ['a global option before the command', ['-o', 'json', 'list', '--sta'], ['--status']],
    ['--status', ['list', '--status', ''], ONBOARDING_STATUSES],
    ['the status of onboarding', ['onboarding', 'Sales', ''], ONBOARDING_STATUSES],
    ['--profile', ['list', '--profile', ''], ['staging', 'production', 'embedded']],
    ['config use', ['config', 'use', 's'], ['staging']],
    ['config set', ['config', 'set', 'vault.m'], ['vault.mount']],
    ['a choice', ['create', '--if-exists', 's'], ['skip']],
    ['the choice of a field', ['create', '--ssl-mode', 'v'], ['verify-ca', 'verify-full']],
    ['yes or no', ['update', 'Sales', '--encrypt', ''], ['true', 'false']],
    ['fields to unset', ['update', 'Sales', '--unset', 'ssl_ca', 'default_s'], ['default_schema']],
    ['a role', ['member', 'set-role', 'bob@example.com', 'work'], ['workspace_admin']],
    ['the alias of a command', ['ls', '--pag'], ['--page', '--page-size']],
    ['several files', ['apply', '-f', 'a', 'b'], [':files']],
    ['two dashes', ['get', '--', '-'], []],
    ['a flag that was given and is repeatable', ['list', '--type', 'mysql', '--ty'], ['--type']],
    ['a global flag that was given and is repeatable', ['list', '--env', 'dev', '--en'], ['--env']],
    ['a flag that was given and takes one value', ['get', '--env', 'dev', '--en'], []],
    ['an option with any value', ['list', '--search', ''], []],
    ['an unknown command', ['crate', '--ty'], []],
    ['a shell', ['completion', 'f'], ['fish']],
  ])('%s', async (_, words, expected) => {
    expect((await values(...words)).sort()).toEqual([...expected].sort())
  })

  test('a flag offers those of the type only', async () => {
    const flags = await values('create', '--type', 'snowflake', '--')
    expect(flags).toEqual(expect.arrayContaining(['--account-id', '--private-key', '--profile', '--help']))
    expect(flags).not.toContain('--jump-host')
    expect(flags).not.toContain('--type')
  })

  test('a command includes descriptions', async () => {
    expect(await completed('lis')).toEqual(['list\tlist data sources'])
    expect(await completed('list', '--al')).toEqual(['--all\tshow all pages'])
  })

  test('a profile offers none, without an error, if the settings are damaged', async () => {
    const damaged = temporaryFolder()
    mkdirSync(join(damaged, 'dsctl-config'))
    writeFileSync(join(damaged, 'dsctl-config/config.json'), '{')
    const { stdout } = await dsctl(['__complete', '--', 'list', '--profile', ''], { home: damaged })
    expect(stdout).toBe('embedded\t\n')
  })
})

test('A command line is split as a shell does', () => {
  expect(splitCommandLine('dsctl ')).toEqual([''])
  expect(splitCommandLine('A=1 B=2 dsctl get "My Source" \'a b\' c\\ d "e\\"f" g')).toEqual([
    ...['get', 'My Source', 'a b', 'c d', 'e"f', 'g'],
  ])
  expect(splitCommandLine('dsctl get "half a na')).toEqual(['get', 'half a na'])
})

test('Completion supports only bash, zsh and fish', async () => {
  expect(await dsctl(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('bash, zsh, fish'),
  })
  expect(await dsctl(['completion'])).toMatchObject({ code: 2, stdout: '' })
})

/** Skips the tests of a shell that is not installed, unless everything is required. */
function isHere(shell: string): boolean {
  const found = (process.env.PATH ?? '').split(':').some(folder => existsSync(join(folder, shell)))
  if (found || process.env.DSCTL_TEST_REQUIRE_SERVERS) return true
  console.log(`${shell} is not installed here, so its completion is not tried.`)
  return false
}

describe.skipIf(!isHere('bash'))('In bash', () => {
  inTerminal('bash', ['--norc', '--noprofile', '-i'], 'source <(dsctl completion bash)')
})

describe.skipIf(!isHere('zsh'))('In zsh', () => {
  inTerminal('zsh', ['-f', '-i'], 'autoload -U compinit && compinit -u -D; source <(dsctl completion zsh)')
})

/** The terminal's text after typing the start of a line and pressing Tab. */
function inTerminal(shell: string, args: readonly string[], setUp: string): void {
  const open = async (): Promise<Terminal> => {
    const screen = openProgram(shell, args, { home, cwd: home, env: { PATH: path, PS1: '> ', HISTFILE: '/dev/null' } })
    await screen.waitFor('> ')
    screen.type(`${setUp}; echo re''ady\n`)
    await screen.waitFor(/^ready$/m, 20_000)
    return screen
  }

  test('commands, flags, types, formats, profiles and files are completed', async () => {
    const screen = await open()
    for (const [typed, completed] of [
      ['dsctl onb', /dsctl onboarding $/],
      ['dsctl member set-', /dsctl member set-role $/],
      ['dsctl create --type sno', /--type snowflake $/],
      ['dsctl create --type=sno', /--type=snowflake $/],
      ['dsctl list --output j', /--output json $/],
      ['dsctl list --profile sta', /--profile staging $/],
      ['dsctl member set-role bob@example.com v', /bob@example\.com viewer $/],
      ['dsctl apply -f sou', /-f sources\\ one\.yaml $/],
    ] as const) {
      screen.type(`${typed}\t`)
      await screen.waitFor(completed, 20_000)
      screen.type('\u0015')
      screen.type(`echo re''ady\n`)
      await screen.waitFor(/^ready$/m)
    }
    screen.kill('SIGKILL')
  })

  test('several candidates are listed', async () => {
    const screen = await open()
    screen.type('dsctl create --type s\t\t')
    await screen.waitFor(/snowflake\s+sqlserver\s+supabase/, 20_000)
    screen.kill('SIGKILL')
  })
}

describe.skipIf(!isHere('fish'))('In fish', () => {
  const run = promisify(execFile)
  const completed = async (line: string) => {
    const script = 'dsctl completion fish | source; complete -C $argv[1]'
    const env = cleanEnvironment({ PATH: path }, home)
    const { stdout } = await run('fish', ['--no-config', '-c', script, line], { env, cwd: home, timeout: 20_000 })
    return stdout.split('\n').slice(0, -1)
  }

  test.each([
    ['dsctl onb', ['onboarding\tchange the onboarding status of a data source']],
    ['dsctl create --type sno', ['snowflake']],
    ['dsctl create --type=sno', ['--type=snowflake']],
    ['dsctl list --output ', ['id', 'json', 'name', 'table', 'yaml']],
    ['dsctl list --profile sta', ['staging']],
    ['dsctl onboarding "My Source" c', ['completed']],
    ['dsctl apply -f sou', ['sources one.yaml']],
  ])('%s is completed', async (line, expected) => {
    expect((await completed(line)).map(each => each.trimEnd()).sort()).toEqual(expected)
  })
})
