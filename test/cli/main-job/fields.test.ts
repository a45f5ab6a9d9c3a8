import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { examples, mainRequest, mainStored, plainFields } from '../../support/examples.ts'
import { folderWith } from '../../support/requests.ts'
import { json, jsonError, type RunOptions } from '../../support/run.ts'
import { createSite, ON_EMBEDDED, type Site } from '../../support/site.ts'
import { openSshKey, pemKey } from '../../unit/source-types/samples.ts'
import { dataSourcesOf, unique } from './data-sources.ts'

let site: Site
const { secretOf } = dataSourcesOf(() => site)

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site?.drop())

/** For tests that need Vault itself. */
const onServers = test.skipIf(ON_EMBEDDED)

describe('A field', () => {
  const flags = ['--host', 'db.example.com', '--username', 'db_user', '--default-database', 'main_db']
  const create = (args: readonly string[], options: RunOptions = {}) => {
    const name = unique('Field')
    return site.dsctl(['create', name, '--env', 'dev', '--type', 'postgres', ...args, '-o', 'json'], options)
  }
  const passwordOf = async (args: readonly string[], options: RunOptions = {}) => {
    const result = await create([...flags, ...args], options)
    expect(result.code, result.stderr).toBe(0)
    return (await secretOf(json(result).id))?.password
  }

  test('has a flag, as every field of every type does', async () => {
    const help = (await site.dsctl(['create', '--help'])).stdout
    for (const { fields, stored } of examples)
      for (const name of [...Object.keys(stored), ...Object.keys(fields)].filter(
        key => key in stored && key !== 'type',
      ))
        expect(help).toContain(`--${name.replaceAll('_', '-')} <`)
    const folder = folderWith({ key: openSshKey, ca: String(examples[1]?.fields.ssl_ca) })
    const tunnel = [
      '--jump-host',
      'jump.example.com',
      '--ssh-username',
      'ssh_user',
      '--ssh-private-key',
      `@${folder}/key`,
    ]
    const more = ['--default-schema', 'public', '--port', '5432', '--ssl-mode', 'require', '--ssl-ca', `@${folder}/ca`]
    const result = await create([...flags, ...more, ...tunnel, '--password', '-'], { stdin: mainRequest.password })
    expect(result.code, result.stderr).toBe(0)
    const tls = { ssl_mode: 'require', ssl_ca: examples[1]?.fields.ssl_ca }
    expect(await secretOf(json(result).id)).toEqual({ ...mainStored, ...tls })
  })

  test('of another type is not in the help for one type', async () => {
    const help = (await site.dsctl(['create', '--type', 'snowflake', '--help'])).stdout
    for (const flag of ['--account-id', '--private-key ', '--custom-host']) expect(help).toContain(flag)
    for (const flag of ['--jump-host', '--service-account-key', '--api-key', '--host <'])
      expect(help).not.toContain(flag)
  })

  test.each([
    ['JSON in a file', 'request.json', JSON.stringify({ ...mainRequest, name: undefined }, null, 2)],
    ['YAML in a file', 'request.yaml', yaml()],
    ['YAML in a file without an extension', 'request', yaml()],
    ['YAML in a .yml file with comments', 'request.yml', `# a comment\n---\n${yaml()}`],
  ])('comes from %s', async (_, file, text) => {
    const folder = folderWith({ [file]: text })
    const result = await site.dsctl(['create', unique('File'), '-f', join(folder, file), '-o', 'json'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(await secretOf(json(result).id)).toEqual(mainStored)
  })

  test.each([
    ['JSON', JSON.stringify({ ...mainRequest, name: undefined })],
    ['YAML', yaml()],
  ])('comes from %s on standard input', async (_, stdin) => {
    const result = await site.dsctl(['create', unique('Stdin'), '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(await secretOf(json(result).id)).toEqual(mainStored)
  })

  test('comes from its flag rather than the file, even under an alias', async () => {
    const stdin = JSON.stringify({
      ...plainFields,
      default_database: undefined,
      database: 'file',
      env: 'file',
      type: 'postgres',
    })
    const args = ['create', unique('Flag'), '--env', 'flag', '--default-database', 'flag', '--host', 'flag.example.com']
    const result = await site.dsctl([...args, '-f', '-', '-o', 'json'], { stdin })
    expect(result).toMatchObject({ code: 0 })
    expect(json(result)).toMatchObject({
      env: 'flag',
      credentials: { database: 'flag', host: 'flag.example.com', username: 'db_user' },
    })
  })

  test('env comes from DSCTL_ENV or the profile by default', async () => {
    const request = JSON.stringify({ ...plainFields, name: unique('Env'), type: 'postgres' })
    const result = await site.dsctl(['create', '-f', '-', '-o', 'json'], {
      stdin: request,
      env: { DSCTL_ENV: 'from-env' },
    })
    expect(json(result).env).toBe('from-env')
  })

  test.each([
    ['standard input', 'a b', 'a b'],
    ['standard input with a newline', 'MARKERpassword\n', 'MARKERpassword'],
    ['standard input with a Windows newline', 'MARKERpassword\r\n', 'MARKERpassword'],
    ['standard input with spaces at both ends', '  MARKERpassword \n', '  MARKERpassword '],
    ['standard input in other scripts', 'пароль-密码-🔑\n', 'пароль-密码-🔑'],
  ])('may be a secret from %s', async (_, text, expected) => {
    expect(await passwordOf(['--password', '-'], { stdin: text })).toBe(expected)
    const folder = folderWith({ secret: text })
    expect(await passwordOf(['--password', `@${folder}/secret`])).toBe(expected)
    expect(await passwordOf(['--password', '@secret'], { cwd: folder })).toBe(expected)
  })

  test('loses one trailing newline; further ones are an error', async () => {
    for (const stdin of ['MARKERpassword\n\n', 'MARKER\npassword', 'MARKER\0password']) {
      const result = await create([...flags, '--password', '-'], { stdin })
      expect(result).toMatchObject({ code: 2, stdout: '' })
      expect(jsonError(result).fields).toEqual([{ field: 'password', message: expect.stringMatching(/one line/) }])
    }
  })

  test('may be a secret from an environment variable', async () => {
    expect(await passwordOf(['--password', 'env:SALES'], { env: { SALES: 'MARKERpassword' } })).toBe('MARKERpassword')
  })

  onServers('may be a secret from another secret in Vault', async () => {
    await site.vault.writeSecret('data-sources/elsewhere/db', { password: 'MARKERpassword', port: 5 })
    const { mount } = site.vault
    expect(await passwordOf(['--password', `vault:${mount}/data-sources/elsewhere/db#password`])).toBe('MARKERpassword')
    expect(await passwordOf(['--password', `vault:${mount}/data-sources/elsewhere/db#port`])).toBe('5')
    for (const source of ['data-sources/none#password', 'data-sources/elsewhere/db#none']) {
      const result = await create([...flags, '--password', `vault:${mount}/${source}`])
      expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(source) })
    }
    await site.vault.request('DELETE', `${mount}/metadata/data-sources/elsewhere/db`)
  })

  test('that holds a key keeps every byte of it, and the last newline', async () => {
    for (const key of [openSshKey, pemKey]) {
      const folder = folderWith({ key })
      const tunnel = ['--jump-host', 'j', '--ssh-username', 'u', '--ssh-private-key', `@${folder}/key`]
      const result = await create([...flags, ...tunnel, '--password', '-'], { stdin: 'MARKERpassword' })
      expect(result.code, result.stderr).toBe(0)
      expect((await secretOf(json(result).id))?.ssh_private_key).toBe(key)
    }
  })

  test('may name a file next to the request or a DSCTL_SECRET_ variable', async () => {
    const request = {
      ...mainRequest,
      name: undefined,
      password: { from: 'env:DSCTL_SECRET_P' },
      ssh_private_key: { from: '@key' },
    }
    const folder = folderWith({ 'request.json': JSON.stringify(request), key: openSshKey })
    const args = ['create', unique('Sources'), '-f', join(folder, 'request.json'), '-o', 'json']
    const result = await site.dsctl(args, { env: { DSCTL_SECRET_P: ' MARKERpassword ' } })
    expect(result.code, result.stderr).toBe(0)
    expect(await secretOf(json(result).id)).toEqual(mainStored)
  })
})

function yaml(): string {
  const { ssh_private_key, name: _, ...rest } = mainRequest
  const lines = Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  const block = ssh_private_key
    .trimEnd()
    .split('\n')
    .map(line => `  ${line}`)
  return [...lines, 'ssh_private_key: |', ...block, ''].join('\n')
}
