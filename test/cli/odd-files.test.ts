import { execFileSync } from 'node:child_process'
import { createWriteStream, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, jsonError, spawnDsctl, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { everythingIn } from '../support/stored.ts'

let site: Site

beforeAll(async () => {
  site = await createSite()
})
afterAll(() => site.drop())

const SECRET = 'MARKERinYaml'
const FIELDS = ['--env', 'dev', '--type', 'postgres', '--host', 'h', '--username', 'u', '--default-database', 'd']

describe('an unsuitable file', () => {
  test.each([
    ['an endless device as the request', ['create', '-f', '/dev/zero'], 'larger than 1 MiB'],
    ['an endless device as a secret', ['create', 'x', ...FIELDS, '--password', '@/dev/zero'], 'password'],
    ['a folder', ['create', '-f', '/'], 'is a folder'],
  ])('%s is refused at once', async (_, args, message) => {
    const before = await everythingIn(site)
    const result = await site.dsctl(args, { timeout: 10_000 })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain(message)
    expect(await everythingIn(site)).toEqual(before)
  })

  test.each([
    ['a key that is a list', `type: postgres\n? [password, ${SECRET}]\n: c\n`, 'not a string'],
    ['a key that is an object', `type: postgres\n? {a: ${SECRET}}\n: c\n`, 'not a string'],
    ['an unknown tag', `type: postgres\npassword: !${SECRET} x\n`, 'tags'],
    ['a tag that makes text a number', `type: postgres\npassword: !!int "${SECRET}"\n`, 'not valid YAML'],
    ['an alias without its anchor', `type: postgres\npassword: *${SECRET}\n`, 'YAML'],
  ])('with %s is refused without printing it', async (_, stdin, message) => {
    const result = await site.dsctl(['create', 'x', '--env', 'dev', '-f', '-', '-o', 'json'], { stdin })
    expect(result.code).toBe(2)
    expect(jsonError(result).message).toMatch(new RegExp(`${message}|tags|anchor`))
    expect(result.stderr).not.toContain(SECRET)
  })
})

describe('a pipe', () => {
  const pipe = () => {
    const path = join(temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [path])
    return path
  }
  const filesOf = (pid: number | undefined) => {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).map(name => linkAt(join(folder, name)))
  }
  const start = (args: readonly string[]) => spawnDsctl(args, { home: site.home, env: site.env })

  test.each([
    ['as a secret', (path: string) => ['create', 'x', ...FIELDS, '--password', `@${path}`]],
    ['as certificates', (path: string) => ['create', 'x', ...FIELDS, '--ssl-ca', `@${path}`, '--password', 'env:HOME']],
    ['as the request', (path: string) => ['create', '-f', path]],
    ['as a batch', (path: string) => ['apply', '-f', path]],
  ])('without a writer %s does not delay SIGTERM', async (_, args) => {
    const path = pipe()
    const running = start(args(path))
    await expect.poll(() => filesOf(running.child.pid), { timeout: 20_000 }).toContain(path)
    running.child.kill('SIGTERM')
    const { code, stdout } = await running.result
    expect({ code, stdout }).toEqual({ code: 143, stdout: '' })
  })

  test('as the settings, a token or certificates is not waited for', async () => {
    const [path, home, settings] = [pipe(), temporaryFolder(), temporaryFolder()]
    symlinkSync(path, join(home, '.vault-token'))
    symlinkSync(path, join(settings, 'config.json'))
    for (const [code, message, options] of [
      [3, 'No Vault token found.', { home, env: { VAULT_TOKEN: undefined } }],
      [2, `config.json is not a regular file.`, { env: { DSCTL_CONFIG_DIR: settings } }],
      [2, `vault.caCert: ${path} is not a regular file`, { env: { VAULT_CACERT: path } }],
      [2, `sslrootcert: ${path} is not a regular file`, { env: { PGSSLMODE: 'verify-ca', PGSSLROOTCERT: path } }],
    ] as const) {
      const result = await site.dsctl(['list'], { ...options, timeout: 10_000 })
      expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) })
    }
  })

  test('with a late writer is read completely', async () => {
    const path = pipe()
    const running = start(['create', 'Late', ...FIELDS, '--password', `@${path}`, '-o', 'json'])
    const writer = createWriteStream(path) // waits for a reader
    writer.write('MARKER')
    await new Promise(resolve => setTimeout(resolve, 100))
    writer.end('late\n')
    const result = await running.result
    expect(result.code, result.stderr).toBe(0)
    const secret = await site.vault.readSecret(`data-sources/${json(result).id}`)
    expect(secret?.data.password).toBe('MARKERlate')
  })
})

function linkAt(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return '' // closed in the meantime
  }
}

describe('bytes that are not text are refused without printing them', () => {
  const bytes = Buffer.from([...Buffer.from('MARKER'), 0xff, 0xfe, 0x80])
  const file = () => {
    const path = join(temporaryFolder(), 'bytes')
    writeFileSync(path, bytes)
    return path
  }
  test.each([
    ['as a secret', (path: string) => ['create', 'x', ...FIELDS, '--password', `@${path}`]],
    ['as certificates', (path: string) => ['create', 'x', ...FIELDS, '--password', 'env:HOME', '--ssl-ca', `@${path}`]],
    ['as the request', (path: string) => ['create', '-f', path]],
    ['as an update', (path: string) => ['update', 'x', '-f', path]],
    ['as a batch', (path: string) => ['apply', '-f', path]],
    ['as a request to test', (path: string) => ['test', '-f', path]],
    ['as a login’s token', (path: string) => ['login', '--token', `@${path}`]],
  ])('%s', async (_, args) => {
    const result = await site.dsctl(args(file()))
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('is not UTF-8 text') })
    expect(result.stderr).not.toContain('MARKER')
  })

  test('on standard input', async () => {
    for (const args of [
      ['create', 'x', ...FIELDS, '--password', '-'],
      ['apply', '-f', '-'],
    ]) {
      const result = await site.dsctl(args, { stdin: bytes })
      expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('is not UTF-8 text') })
    }
  })
})

test('init for an unknown organization leaves the profile unchanged', async () => {
  const before = await site.dsctl(['config', 'list', '-o', 'json'])
  const result = await site.dsctl(['init', '--org', 'Other', '--admin', 'z@example.com', '--yes'], {
    env: { VAULT_TOKEN: site.vault.rootToken },
  })
  expect(result.code).toBe(2)
  expect(result.stderr).toContain('Organization Other does not exist, and init creates only the first organization.')
  expect((await site.dsctl(['config', 'list', '-o', 'json'])).stdout).toBe(before.stdout)
})
