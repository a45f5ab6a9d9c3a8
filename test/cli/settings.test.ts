import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { SETTING_KEYS } from '../../src/settings/keys.ts'
import { settingProblem } from '../../src/settings/setting-problem.ts'
import { dsctl, json, type RunOptions, spawnDsctl, temporaryFolder } from '../support/run.ts'

// The profiles and their file. No change is lost or half written, and content that dsctl does not know is kept.

function place(content?: string) {
  const home = temporaryFolder()
  const folder = join(home, 'dsctl-config')
  const path = join(folder, 'config.json')
  if (content !== undefined) {
    mkdirSync(folder)
    writeFileSync(path, content)
  }
  return {
    ...{ home, folder, path },
    config: (args: readonly string[], options: RunOptions = {}) => dsctl(['config', ...args], { home, ...options }),
    file: () => JSON.parse(readFileSync(path, 'utf8')),
  }
}

describe('The settings file', () => {
  test('loses no concurrent change, and leaves no other files', async () => {
    const { config, file, folder, path } = place()
    const envs = Array.from({ length: 8 }, (_, n) => `p${n}`)
    const keys = ['org', 'user', 'vault.mount', 'vault.addr']
    const values: Record<string, string> = { 'vault.addr': 'https://vault.example.com' }
    const results = await Promise.all([
      ...envs.map(name => config(['--profile', name, 'set', 'env', name])),
      ...keys.map(key => config(['set', key, values[key] ?? 'x'])),
    ])
    expect(results.filter(({ code }) => code !== 0)).toEqual([])
    expect(file().profiles).toEqual({
      ...Object.fromEntries(envs.map(env => [env, { env }])),
      default: Object.fromEntries(keys.map(key => [key, values[key] ?? 'x'])),
    })
    expect(readdirSync(folder)).toEqual(['config.json'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('is intact after a writer is killed, and the next one succeeds', async () => {
    const { config, file, home } = place()
    await config(['set', 'org', 'kept'])
    for (const after of [60, 90, 120, 150, 180]) {
      const { child, result } = spawnDsctl(['config', 'set', 'env', `after-${after}`], { home })
      setTimeout(() => child.kill('SIGKILL'), after)
      await result
      expect(file().profiles.default).toMatchObject({ org: 'kept' })
    }
    expect(await config(['set', 'user', 'a@example.com'])).toMatchObject({ code: 0 })
    expect(file().profiles.default).toMatchObject({ org: 'kept', user: 'a@example.com' })
  })

  test('gets mode 600 when written, and stays a symbolic link', async () => {
    const { config, folder, path, home } = place('{"version": 1, "profiles": {}}')
    chmodSync(path, 0o644)
    await config(['set', 'env', 'dev'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const dotfiles = join(home, 'dotfiles.json')
    writeFileSync(dotfiles, '{"version": 1, "profiles": {"default": {"org": "Acme"}}}')
    const linked = join(home, 'linked')
    mkdirSync(linked)
    symlinkSync(dotfiles, join(linked, 'config.json'))
    expect(await config(['set', 'env', 'dev'], { env: { DSCTL_CONFIG_DIR: linked } })).toMatchObject({ code: 0 })
    expect(lstatSync(join(linked, 'config.json')).isSymbolicLink()).toBe(true)
    expect(JSON.parse(readFileSync(dotfiles, 'utf8')).profiles.default).toEqual({ org: 'Acme', env: 'dev' })
    expect(readdirSync(folder)).toEqual(['config.json'])
  })

  test.each([
    ['that breaks off', '{"version": 1, "profiles": {"default": {"vault.token": "MARKER', /is not valid JSON/],
    ['that is empty', '', /is not valid JSON/],
    ['of a newer dsctl', '{"version": 2, "profiles": {"default": {"x": "MARKER"}}}', /was written by a newer dsctl/],
    ['without profiles', '{"version": 1}', /has no profiles/],
    ['with a value that is no text', '{"version": 1, "profiles": {"default": {"env": 5}}}', /has no profiles/],
    ['that is a list', '["MARKER"]', /is not valid JSON/],
  ])('%s is reported, and left unchanged', async (_, content, says) => {
    const { config, path, home } = place(content)
    const commands = [['list'], ['config', 'list'], ['config', 'set', 'env', 'x'], ['config', 'use', 'default']]
    for (const args of commands) {
      const result = await dsctl(args, { home })
      expect(result, args.join(' ')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(says) })
      expect(result.stderr).toContain(path)
      expect(result.stderr).not.toContain('MARKER')
    }
    expect(readFileSync(path, 'utf8')).toBe(content)
    expect((await config(['path'])).code).toBe(2)
  })

  test('keeps unknown settings of a later version, and never shows them', async () => {
    const { config, file } = place('{"version": 1, "profiles": {"default": {"later.setting": "MARKER"}}}')
    await config(['set', 'env', 'dev'])
    expect(file().profiles.default).toEqual({ 'later.setting': 'MARKER', env: 'dev' })
    for (const format of ['table', 'json', 'yaml'])
      expect((await config(['list', '-o', format])).stdout).not.toContain('MARKER')
  })

  test('with an invalid value is repaired by the commands in the message', async () => {
    const { config, file } = place('{"version": 1, "profiles": {"default": {"output": "xml", "env": "dev"}}}')
    const result = await config(['list'])
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('dsctl config unset output') })
    expect(await config(['unset', 'output'])).toMatchObject({ code: 0 })
    expect(file().profiles.default).toEqual({ env: 'dev' })
    expect(await config(['list'])).toMatchObject({ code: 0 })
  })

  test('has no profile with the name of an object’s built-in property', async () => {
    const { config, file } = place('{"version": 1, "profiles": {}}')
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(await config(['list', '--profile', name])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`Profile ${name} does not exist`),
      })
      expect(await config(['use', name])).toMatchObject({ code: 2 })
      expect(await config(['--profile', name, 'set', 'env', 'dev'])).toMatchObject({ code: 0 })
      expect((await config(['get', 'env', '--profile', name])).stdout).toBe('dev\n')
    }
    expect(Object.keys(file().profiles)).toEqual(['constructor', '__proto__', 'toString'])
  })
})

test('config list prints every setting, with its source', async () => {
  const { config } = place()
  const sample = (key: string) =>
    ({
      'database.url': 'postgres://h/x',
      'vault.addr': 'https://v.example.com',
      'vault.path': 'x/{id}',
      output: 'json',
      'audit.reads': 'off',
    })[key] ?? 'x'
  const sources = async (env: Record<string, string>, flags: readonly string[] = []) => {
    const all: { key: string; source: string }[] = json(await config([...flags, 'list', '-o', 'json'], { env }))
    return Object.fromEntries(all.map(({ key, source }) => [key, source]))
  }
  expect(Object.keys(await sources({}))).toEqual(SETTING_KEYS.map(({ key }) => key))
  for (const { key } of SETTING_KEYS) expect(await config(['set', key, sample(key)])).toMatchObject({ code: 0 })
  const stored = await sources({})
  for (const { key } of SETTING_KEYS) if (key !== 'output') expect(stored[key]).toBe('profile default')
  for (const nth of [0, 1]) {
    const names = SETTING_KEYS.flatMap(({ key, env }) => (env[nth] ? [[key, env[nth]] as const] : []))
    const found = await sources(Object.fromEntries(names.map(([key, name]) => [name, sample(key)])))
    for (const [key, name] of names) if (key !== 'output') expect(found[key]).toBe(`environment ${name}`)
  }
  const flags = ['--org', 'o', '--env', 'e', '--user', 'u@example.com']
  expect(await sources({ DSCTL_ORG: 'x', DSCTL_ENV: 'x', DSCTL_USER: 'x' }, flags)).toMatchObject({
    ...{ org: 'flag', env: 'flag', user: 'flag', output: 'flag' },
  })
})

// In a URL, parts of these paths would become a query or fragment, or lead outside: every source would share one secret.
test.each([
  ...['ds?{id}', 'ds#{id}', '{id}/..', '{id}/%2e%2e/ds', '{id}\\..\\ds', '{id}/.\t./ds', './{id}'],
  ...['ds//{id}', '//ds/{id}', 'ds/{id} ', ' /{id}'],
])('%j is not a valid path in Vault', path => {
  expect(settingProblem('vault.path', path)).toMatch(/must be names separated by \//)
  expect(settingProblem('vault.mount', path)).toMatch(/must be names separated by \//)
})

test.each(['ds/{id}', '/ds/{id}/', '{organization_id}/{id}', 'Team A/ä+~*/..x/{id}'])(
  '%j is a valid path in Vault',
  path => {
    expect(settingProblem('vault.path', path)).toBeUndefined()
  },
)
