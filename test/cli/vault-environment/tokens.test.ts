import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { json, jsonError, temporaryFolder } from '../../support/run.ts'
import { ADMIN, createSite, type Site } from '../../support/site.ts'
import { type VaultFront, vaultFront } from '../../support/vault-front.ts'

let site: Site
const open: VaultFront[] = []

beforeAll(async () => {
  site = await createSite()
})

afterEach(() => {
  for (const front of open.splice(0)) front.close()
})

afterAll(() => site?.drop())

/** An agent in front of Vault. */
async function agent(options: Parameters<typeof vaultFront>[1]): Promise<{ front: VaultFront; addr: string }> {
  const front = await vaultFront(site.vault.addr, options)
  open.push(front)
  return { front, addr: `http://127.0.0.1:${front.port}` }
}

const newToken = () => site.vault.createToken({ ttl: '10m' })
const isAlive = async (token: string) => {
  const lookup = await site.vault.request('GET', 'auth/token/lookup-self', { token })
  return lookup.status === 200
}

/** Runs dsctl without a token in the environment. */
const run = (args: readonly string[], env: Record<string, string | undefined> = {}, home = temporaryFolder()) =>
  site.dsctl(args, { home, env: { DSCTL_ORG: 'Acme', VAULT_TOKEN: undefined, ...env } })

const adds = (token: string) => (headers: IncomingHttpHeaders) => ({ 'x-vault-token': token, ...headers })
const forces = (token: string) => (headers: IncomingHttpHeaders) => ({ ...headers, 'x-vault-token': token })

describe('an agent that adds its token', () => {
  test('needs none of the caller', async () => {
    const { addr } = await agent({ change: adds(site.env.VAULT_TOKEN ?? '') })
    for (const name of ['VAULT_ADDR', 'VAULT_AGENT_ADDR']) {
      expect(json(await run(['whoami', '-o', 'json'], { [name]: addr })).user.email).toBe(ADMIN)
    }
  })

  test('keeps its token after every command', async () => {
    const { addr, front } = await agent({ change: adds(site.env.VAULT_TOKEN ?? '') })
    for (const args of [['whoami'], ['list'], ['logout']]) expect((await run(args, { VAULT_ADDR: addr })).code).toBe(0)
    expect(front.requests.map(({ path }) => path).filter(path => path.includes('revoke'))).toEqual([])
  })

  test('keeps its token if logout finds it in the token file', async () => {
    const token = await newToken()
    const { addr } = await agent({ change: adds(token) })
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), token)
    const result = await run(['logout'], { VAULT_ADDR: addr }, home)
    expect(result).toMatchObject({ code: 0 })
    expect(result.stderr).toContain('not revoked, because a Vault agent uses it')
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
    expect(await isAlive(token)).toBe(true)
  })

  test('keeps its token if it replaces every token with its own', async () => {
    const [own, saved] = [await newToken(), await newToken()]
    const { addr } = await agent({ change: forces(own) })
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), saved)
    expect((await run(['logout'], { VAULT_ADDR: addr }, home)).code).toBe(0)
    expect(await isAlive(own)).toBe(true)
  })

  test('does not keep logout from revoking another token', async () => {
    const [own, saved] = [await newToken(), await newToken()]
    const { addr } = await agent({ change: adds(own) })
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), saved)
    expect((await run(['logout'], { VAULT_ADDR: addr }, home)).stderr).toContain('the token was revoked')
    expect([await isAlive(own), await isAlive(saved)]).toEqual([true, false])
  })
})

describe('no token at all', () => {
  test('exits 3 with how to log in', async () => {
    for (const args of [['whoami'], ['list'], ['get', 'x'], ['doctor']]) {
      const error = jsonError(await run([...args, '-o', 'json']))
      expect(error, args[0]).toMatchObject({ exit_code: 3, message: 'No Vault token found.' })
      expect(error.hint).toContain('dsctl login')
    }
  })
})

describe('the token', () => {
  test('comes from BAO_TOKEN, then VAULT_TOKEN, then the file of VAULT_TOKEN_PATH', async () => {
    const good = site.env.VAULT_TOKEN
    const file = join(temporaryFolder(), 'token')
    writeFileSync(file, `${good}\n`)
    for (const env of [
      { BAO_TOKEN: good, VAULT_TOKEN: 'wrong' },
      { BAO_TOKEN: '', VAULT_TOKEN: good },
      { VAULT_TOKEN_PATH: file },
      { BAO_TOKEN_PATH: file, VAULT_TOKEN_PATH: '/nowhere' },
    ]) {
      expect((await run(['whoami'], env)).code, Object.keys(env).join()).toBe(0)
    }
    const error = jsonError(await run(['whoami', '-o', 'json'], { BAO_TOKEN: 'wrong' }))
    expect(error.hint).toContain('Set BAO_TOKEN to a valid token')
  })
})

/** A home folder whose token helper keeps the token in a file, and logs its calls. */
function homeWithHelper(script?: string): { home: string; helper: string; kept: string; calls: () => string } {
  const home = temporaryFolder()
  const [helper, kept, log] = [join(home, 'helper'), join(home, 'kept'), join(home, 'log')]
  const usual = `echo "$1 $VAULT_ADDR" >> ${log}
case "$1" in
  get) cat ${kept} 2>/dev/null || true ;;
  store) cat > ${kept} ;;
  erase) rm -f ${kept} ;;
esac`
  writeFileSync(helper, `#!/bin/sh\n${script ?? usual}\n`)
  chmodSync(helper, 0o755)
  writeFileSync(join(home, '.vault'), `# a comment\ntoken_helper = "${helper}"\n`)
  return { home, helper, kept, calls: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') }
}

describe('a token helper', () => {
  test('keeps, gives and erases the token in place of the file', async () => {
    const { home, helper, kept, calls } = homeWithHelper()
    const token = site.env.VAULT_TOKEN ?? ''
    const input = { home, stdin: token, env: { VAULT_TOKEN: undefined } }
    const login = await site.dsctl(['login', '--token', '-'], input)
    expect(login.stderr).toContain(`is saved by the token helper ${helper}`)
    expect(login.stderr).not.toContain(token)
    expect(readFileSync(kept, 'utf8')).toBe(token)
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
    expect((await run(['whoami'], {}, home)).code).toBe(0)
    writeFileSync(kept, await newToken())
    expect((await run(['logout'], {}, home)).code).toBe(0)
    expect(existsSync(kept)).toBe(false)
    expect(new Set(calls().trim().split('\n'))).toEqual(
      new Set([`store ${site.vault.addr}`, `get ${site.vault.addr}`, `erase ${site.vault.addr}`]),
    )
  })

  test('is not asked if VAULT_TOKEN is set', async () => {
    const { home, calls } = homeWithHelper()
    expect((await run(['whoami'], { VAULT_TOKEN: site.env.VAULT_TOKEN }, home)).code).toBe(0)
    expect(calls()).toBe('')
  })

  test('comes from BAO_CONFIG_PATH, then ~/.bao, then ~/.vault, as HCL or JSON', async () => {
    const { home, helper, kept } = homeWithHelper()
    writeFileSync(kept, site.env.VAULT_TOKEN ?? '')
    const config = join(home, 'config')
    writeFileSync(config, JSON.stringify({ token_helper: helper }))
    writeFileSync(join(home, '.vault'), 'token_helper = "/nowhere/vault"')
    expect((await run(['whoami'], { BAO_CONFIG_PATH: config, VAULT_CONFIG_PATH: '/nowhere' }, home)).code).toBe(0)
    expect((await run(['whoami'], { VAULT_CONFIG_PATH: '~/config' }, home)).code).toBe(0)
    writeFileSync(join(home, '.bao'), `/* a\ncomment */ token_helper = "${helper}" // another`)
    expect((await run(['whoami'], {}, home)).code).toBe(0)
  })

  test.each([
    ['fails', 'echo canary-1 >&2; echo canary-2; exit 3', 'cannot get the token: it exited with 3'],
    ['prints too much', 'head -c 100000 /dev/zero | tr "\\0" x', 'it printed more than a token'],
    ['hangs, also in a child', 'sleep 30 & wait', 'it did not end within 0.5 s'],
    ['prints no token', 'printf "canary-1 \\001"', 'contains invalid characters'],
  ])('that %s is an error without its output', async (_, script, message) => {
    const { home } = homeWithHelper(script)
    const result = await run(['whoami', '--timeout', '0.5', '-o', 'json'], {}, home)
    expect(jsonError(result)).toMatchObject({ exit_code: 2, message: expect.stringContaining(message) })
    expect(result.stderr).not.toContain('canary')
  })

  test('must be a program with an absolute path, in a valid file', async () => {
    for (const [text, message] of [
      ['token_helper = "helper"', 'must have an absolute path'],
      ['token_helper = "/nowhere/helper"', 'it does not exist'],
      ['canary-password', 'is not a configuration'],
      ['token_helper = "/a"\ntoken_helper = "/b"', 'is not a configuration'],
      ['{"token_helper": 1}', 'is not a configuration'],
    ] as const) {
      const home = temporaryFolder()
      writeFileSync(join(home, '.vault'), text)
      const result = await run(['whoami', '-o', 'json'], {}, home)
      expect(jsonError(result), text).toMatchObject({ exit_code: 2, message: expect.stringContaining(message) })
      expect(result.stderr).not.toContain('canary')
    }
  })

  test('is not expected in a folder ~/.vault or an empty file', async () => {
    const home = temporaryFolder()
    mkdirSync(join(home, '.vault'))
    writeFileSync(join(home, '.bao'), '# nothing\n')
    writeFileSync(join(home, '.vault-token'), site.env.VAULT_TOKEN ?? '')
    expect((await run(['whoami'], {}, home)).code).toBe(0)
  })
})

describe('VAULT_CLIENT_TIMEOUT', () => {
  const frozen = (env: Record<string, string>, args: readonly string[] = []) =>
    site.dsctl(['whoami', '-o', 'json', ...args], { env })

  test('sets the timeout, unless --timeout is given', async () => {
    const { addr } = await agent({ answer: () => ({ status: 503, headers: { 'Retry-After': '1' } }) })
    const retries = { VAULT_ADDR: addr, VAULT_MAX_RETRIES: '100000' }
    // Retries end with the timeout, so the number of requests shows it.
    for (const [value, args] of [
      ['0.1', []],
      ['100ms', []],
      ['1h', ['--timeout', '0.1']],
    ] as const) {
      const before = open[0]?.requests.length ?? 0
      expect((await frozen({ ...retries, VAULT_CLIENT_TIMEOUT: value }, args)).code).toBe(7)
      expect((open[0]?.requests.length ?? 0) - before).toBe(1)
    }
  })

  test('is refused by its name if it is no duration or too long', async () => {
    for (const value of ['soon', '-1', '2h', '5x', '1 minute']) {
      const error = jsonError(await frozen({ BAO_CLIENT_TIMEOUT: value }))
      expect(error).toMatchObject({ exit_code: 2, fields: [{ field: 'BAO_CLIENT_TIMEOUT' }] })
    }
    for (const value of ['0', '60', '1m30s', '1.5m']) {
      expect((await frozen({ VAULT_CLIENT_TIMEOUT: value })).code).toBe(0)
    }
  })
})
