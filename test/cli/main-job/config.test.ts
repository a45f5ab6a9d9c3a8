import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redactSetting } from '../../../src/settings/redact-setting.ts'
import { json, type RunOptions, temporaryFolder } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'

let site: Site

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

describe('config', () => {
  const home = temporaryFolder
  const config = (folder: string, args: readonly string[], env: RunOptions['env'] = {}) =>
    site.dsctl(['config', ...args], {
      home: folder,
      env: {
        DSCTL_DATABASE_URL: undefined,
        VAULT_ADDR: undefined,
        DSCTL_VAULT_MOUNT: undefined,
        VAULT_TOKEN: undefined,
        DSCTL_PROFILE: undefined,
        DSCTL_ORG: undefined,
        ...env,
      },
    })

  test('sets, gets and unsets a setting of a profile', async () => {
    const folder = home()
    expect(await config(folder, ['set', 'env', 'production'])).toMatchObject({ code: 0, stdout: '' })
    expect(await config(folder, ['get', 'env'])).toMatchObject({ code: 0, stdout: 'production\n', stderr: '' })
    expect(json(await config(folder, ['get', 'env', '-o', 'json']))).toEqual({ key: 'env', value: 'production' })
    expect(await config(folder, ['unset', 'env'])).toMatchObject({ code: 0, stdout: '' })
    expect(await config(folder, ['get', 'env'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('not set'),
    })
  })

  test('list shows the source of each value: flag, environment, profile, default', async () => {
    const folder = home()
    await config(folder, ['set', 'vault.mount', 'kv'])
    await config(folder, ['set', 'org', 'From the profile'])
    const result = await config(folder, ['list', '--env', 'e', '-o', 'json'], { DSCTL_ORG: 'From the environment' })
    const found = Object.fromEntries(json(result).map(({ key, ...rest }: { key: string }) => [key, rest]))
    expect(found).toMatchObject({
      env: { value: 'e', source: 'flag' },
      org: { value: 'From the environment', source: 'environment DSCTL_ORG' },
      'vault.mount': { value: 'kv', source: 'profile default' },
      'vault.path': { value: 'data-sources/{id}', source: 'default' },
      output: { value: 'json', source: 'flag' },
    })
    expect(found.user).toEqual({ source: 'not set' })
  })

  test('set creates a profile, which can be listed and used', async () => {
    const folder = home()
    expect((await config(folder, ['profiles'])).stderr).toContain('No profiles except the built-in one')
    await config(folder, ['set', 'env', 'one'])
    expect(await config(folder, ['--profile', 'second', 'set', 'env', 'two'])).toMatchObject({ code: 0 })
    const inUse = async () => {
      const profiles: { name: string; current: boolean }[] = json(await config(folder, ['profiles', '-o', 'json']))
      return profiles.map(({ name, current }) => `${name}${current ? '*' : ''}`)
    }
    expect(await inUse()).toEqual(['default*', 'second'])
    expect(await config(folder, ['use', 'second'])).toMatchObject({ code: 0, stdout: '' })
    expect(await inUse()).toEqual(['default', 'second*'])
    expect((await config(folder, ['get', 'env'])).stdout).toBe('two\n')
    expect((await config(folder, ['get', 'env', '--profile', 'default'])).stdout).toBe('one\n')
    expect((await config(folder, ['get', 'env'], { DSCTL_PROFILE: 'default' })).stdout).toBe('one\n')
    expect(await config(folder, ['use', 'secnd'])).toMatchObject({ code: 2, stdout: '' })
    expect(await config(folder, ['list', '--profile', 'embeded'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean embedded?'),
    })
    expect(await config(folder, ['get', 'env', '--profile', 'secnd'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('second'),
    })
  })

  test('path prints a file that only its owner can read', async () => {
    const folder = home()
    await config(folder, ['set', 'env', 'x'])
    const path = (await config(folder, ['path'])).stdout.trim()
    const { statSync, readFileSync } = await import('node:fs')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(path, 'utf8')).profiles.default).toEqual({ env: 'x' })
  })

  test('rejects a password in a database URL, an unknown setting, and invalid values', async () => {
    const folder = home()
    for (const [key = '', value = '', says] of [
      ['database.url', 'postgres://u:MARKERpassword@h/d', 'PGPASSWORD'],
      ['database.url', 'postgres://u@h/d?password=MARKERpassword', 'PGPASSWORD'],
      ['database.url', 'postgres://u:5/MARKERpassword@h/d', 'PGPASSWORD'],
      ['database.url', 'host=h user=u password=MARKERpassword', 'must look like postgres://'],
      ['database.url', 'postgres:u:MARKERpassword@h/x', 'PGPASSWORD'],
      ['database.url', 'postgres://h/x?PASSWORD=MARKERpassword', 'PASSWORD is not supported'],
      ['database.url', 'postgres://h/x?password%3AMARKERpassword', 'password… is not supported'],
      ['vault.addr', 'vault.example.com', 'https://'],
      ['vault.addr', 'http://h/?token=MARKERtoken', 'without ? and #'],
      ['vault.addr', 'http://MARKERtoken@h/', 'without a login'],
      ['vault.path', 'fixed', '{id}'],
      ['vault.path', 'ds?{id}', 'contain ?'],
      ['vault.mount', 'secret/data/one?', 'contain ?'],
      ['output', 'xml', 'table, json, yaml, name, id'],
      ['envv', 'x', 'Did you mean env'],
      ['vault.token', 'MARKERtoken', 'Settings: database.url,'],
    ]) {
      const result = await config(folder, ['set', key, value])
      expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(says ?? '') })
      expect(result.stderr).not.toContain('MARKER')
    }
    expect(json(await config(folder, ['profiles', '-o', 'json']))).toEqual([])
  })

  test('masks the password of a URL in the environment', async () => {
    const env = {
      DSCTL_DATABASE_URL: 'postgres://u:MARKERpassword@h/d',
      VAULT_ADDR: 'https://u:MARKERtoken@vault.example.com',
    }
    for (const args of [['list'], ['list', '-o', 'json'], ['get', 'database.url'], ['get', 'vault.addr']]) {
      const result = await config(home(), args, env)
      expect(result.code).toBe(0)
      expect(result.stdout + result.stderr).not.toContain('MARKER')
      expect(result.stdout).toContain('[REDACTED]')
    }
    for (const url of [
      ...['host=h user=u password=MARKER', 'u:MARKER@h/x', 'postgres:u:MARKER@h/x', 'postgres://u@h/x#password=MARKER'],
      ...['postgres://h/x?sslpassword=MARKER', 'postgres://h/x?pass%77ord=MARKER', 'postgres://h/x?PASSWORD=MARKER'],
    ]) {
      expect(redactSetting('database.url', url), url).toMatch(/\[REDACTED\]$/)
      expect(redactSetting('database.url', url), url).not.toContain('MARKER')
    }
    for (const url of ['http://MARKER@h/', 'http://h/?token=MARKER', 'http://h/#MARKER', 'u:MARKER@h', 'hvs.MARKER']) {
      expect(redactSetting('vault.addr', url), url).toMatch(/^(http:\/\/\[REDACTED\]@h\/|\[REDACTED\])$/)
    }
    for (const url of ['postgres://u@h:5433/d?sslmode=require', 'postgres:///d?host=/var/run&user=u'])
      expect(redactSetting('database.url', url)).toBe(url)
  })
})
