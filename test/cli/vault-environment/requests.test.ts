import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isExcludedFromProxy } from '../../../src/settings/no-proxy.ts'
import { authority } from '../../support/certificate.ts'
import { jsonError, temporaryFolder } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { type VaultFront, vaultFront } from '../../support/vault-front.ts'

const ours = authority()
let site: Site
const open: VaultFront[] = []

beforeAll(async () => {
  site = await createSite()
})

afterEach(() => {
  for (const front of open.splice(0)) front.close()
})

afterAll(() => site?.drop())

async function front(options?: Parameters<typeof vaultFront>[1]): Promise<VaultFront> {
  const opened = await vaultFront(site.vault.addr, options)
  open.push(opened)
  return opened
}

const whoami = (env: Record<string, string | undefined>) => site.dsctl(['whoami', '-o', 'json'], { env })
const addressOf = ({ port }: VaultFront) => `http://127.0.0.1:${port}`

describe('the address of Vault', () => {
  test('comes from an agent, then OpenBao, then Vault', async () => {
    const dead = 'http://127.0.0.1:1'
    const live = site.vault.addr
    for (const env of [
      { BAO_AGENT_ADDR: live, VAULT_AGENT_ADDR: dead, BAO_ADDR: dead, VAULT_ADDR: dead },
      { VAULT_AGENT_ADDR: live, BAO_ADDR: dead, VAULT_ADDR: dead },
      { BAO_ADDR: live, VAULT_ADDR: dead },
      { BAO_ADDR: '', VAULT_ADDR: live },
    ]) {
      expect((await whoami(env)).code, JSON.stringify(env)).toBe(0)
    }
  })

  test('may be a Unix socket', async () => {
    const socket = join(temporaryFolder(), 's')
    const listener = await front({ socket })
    expect(await whoami({ VAULT_ADDR: `unix://${socket}` })).toMatchObject({ code: 0, stderr: '' })
    expect(listener.requests.at(-1)?.headers).toMatchObject({ host: 'localhost', 'x-vault-request': 'true' })
    expect((await whoami({ VAULT_AGENT_ADDR: `unix://${socket}` })).code).toBe(0)
  })

  test('names what is wrong with a socket', async () => {
    for (const [path, code, message] of [
      ['/nowhere/s', 7, 'Vault at unix:///nowhere/s cannot be reached: the socket does not exist.'],
      [join(temporaryFolder(), '..'), 7, 'cannot be reached'],
      ['run/s', 2, 'must have an absolute path'],
      [`/${'x'.repeat(200)}`, 2, 'must have a path of at most'],
    ] as const) {
      const error = jsonError(await whoami({ VAULT_ADDR: `unix://${path}` }))
      expect(error.exit_code).toBe(code)
      expect(JSON.stringify(error)).toContain(message)
    }
  })

  test('of an agent is not saved by init', async () => {
    const listener = await front()
    const home = temporaryFolder()
    const env = {
      VAULT_AGENT_ADDR: addressOf(listener),
      VAULT_TOKEN: site.vault.rootToken,
      DSCTL_USER: site.admin.email,
    }
    const result = await site.dsctl(['init', '--org', 'Acme'], { home, env: { ...env, VAULT_ADDR: undefined } })
    expect(result.code, result.stderr).toBe(0)
    const listed = await site.dsctl(['config', 'list', '-o', 'json'], { home, env: { VAULT_ADDR: undefined } })
    expect(listed.stdout).not.toContain(addressOf(listener))
  })
})

describe('VAULT_HEADERS', () => {
  test('is added to every request', async () => {
    const listener = await front()
    const env = { VAULT_ADDR: addressOf(listener), VAULT_HEADERS: '{"CF-Access": "a b", "x-team": ""}' }
    expect((await whoami(env)).code).toBe(0)
    expect(listener.requests.length).toBeGreaterThan(1)
    for (const { headers } of listener.requests) {
      expect(headers).toMatchObject({ 'cf-access': 'a b', 'x-team': '', 'x-vault-request': 'true' })
    }
  })

  test('cannot set what dsctl sets, whatever the case, and shows no value', async () => {
    for (const name of [
      ...['X-Vault-Token', 'x-vault-token', 'X-VAULT-NAMESPACE', 'X-Vault-Request', 'authorization', 'Authorization '],
      ...['Host', 'Content-Length', 'Transfer-Encoding', 'Proxy-Authorization', 'a b', ''],
    ]) {
      const result = await whoami({ VAULT_HEADERS: JSON.stringify({ [name]: 'canary-77' }) })
      expect(jsonError(result), name).toMatchObject({ exit_code: 2, fields: [{ field: 'VAULT_HEADERS' }] })
      expect(result.stderr).not.toContain('canary-77')
    }
  })

  test('must be a JSON object of texts without line breaks', async () => {
    for (const value of ['canary-77', '[]', '{"a": 1}', '{"a": {"b": "canary-77"}}', '{"a": "canary-77\\r\\nb: c"}']) {
      const result = await whoami({ VAULT_HEADERS: value })
      expect(jsonError(result), value).toMatchObject({ exit_code: 2, fields: [{ field: 'VAULT_HEADERS' }] })
      expect(result.stderr).not.toContain('canary-77')
    }
  })
})

describe('a redirect', () => {
  const redirectTo = (location: string, status = 307) =>
    front({ answer: ({ path }) => ({ status, headers: { Location: location + path } }) })
  const headers = { VAULT_HEADERS: '{"X-Gateway": "gateway-login"}' }

  test.each([301, 302, 303, 307, 308])('with %i takes token and headers to the same host', async status => {
    const active = await front()
    const standby = await redirectTo(addressOf(active), status)
    expect((await whoami({ ...headers, VAULT_ADDR: addressOf(standby) })).code).toBe(0)
    expect(active.requests[0]?.headers).toMatchObject({
      ...{ 'x-vault-token': site.env.VAULT_TOKEN, 'x-vault-request': 'true', 'x-gateway': 'gateway-login' },
    })
  })

  test('takes the token, but not VAULT_HEADERS or the login, to another host', async () => {
    const active = await front()
    const standby = await redirectTo(`http://localhost:${active.port}`)
    const address = addressOf(standby).replace('//', '//gateway:canary@')
    expect((await whoami({ ...headers, VAULT_ADDR: address })).code).toBe(0)
    expect(standby.requests[0]?.headers).toHaveProperty('authorization')
    expect(active.requests[0]?.headers).toMatchObject({ 'x-vault-token': site.env.VAULT_TOKEN })
    expect(active.requests[0]?.headers).not.toHaveProperty('x-gateway')
    expect(active.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  test('is not followed from https to http', async () => {
    const active = await front()
    const tls = ours.certificateFor('127.0.0.1')
    const standby = await front({
      tls,
      answer: ({ path }) => ({ status: 307, headers: { Location: addressOf(active) + path } }),
    })
    const env = { VAULT_ADDR: `https://127.0.0.1:${standby.port}`, VAULT_CACERT_BYTES: ours.cert }
    const error = jsonError(await whoami(env))
    expect(error).toMatchObject({
      exit_code: 7,
      message: expect.stringContaining('redirect that is not followed (307)'),
    })
    expect(active.requests).toEqual([])
  })

  test('is not followed from this machine to another by http', async () => {
    const standby = await redirectTo('http://vault.test:8200')
    const error = jsonError(await whoami({ VAULT_ADDR: addressOf(standby) }))
    expect(error.message).toContain('redirect that is not followed')
  })

  test('is not followed with VAULT_DISABLE_REDIRECTS, and not forever', async () => {
    const active = await front()
    const standby = await redirectTo(addressOf(active))
    const env = { VAULT_ADDR: addressOf(standby) }
    expect((await whoami({ ...env, VAULT_DISABLE_REDIRECTS: 'true' })).code).toBe(7)
    expect(active.requests).toEqual([])
    const loop = await front({ answer: ({ path }) => ({ status: 307, headers: { Location: path } }) })
    expect((await whoami({ VAULT_ADDR: addressOf(loop) })).code).toBe(7)
    expect(loop.requests).toHaveLength(4)
  })
})

describe('VAULT_MAX_RETRIES', () => {
  /** A listener that answers the first requests with this status. */
  const failing = (count: number, status: number) => {
    let failed = 0
    return front({ answer: () => (failed++ < count ? { status, headers: { 'Retry-After': '0.01' } } : undefined) })
  }

  test('repeats reads that Vault does not answer yet', async () => {
    for (const status of [412, 500, 503]) {
      expect((await whoami({ VAULT_ADDR: addressOf(await failing(2, status)), VAULT_MAX_RETRIES: '2' })).code).toBe(0)
      expect((await whoami({ VAULT_ADDR: addressOf(await failing(2, status)), BAO_MAX_RETRIES: '1' })).code).toBe(7)
    }
    const env = { VAULT_ADDR: addressOf(await failing(1, 501)), VAULT_MAX_RETRIES: '2' }
    expect((await whoami(env)).code).toBe(7)
  })

  test('is 0 if it is not set or negative, and must be a number', async () => {
    for (const retries of [undefined, '0', '-1']) {
      const env = { VAULT_ADDR: addressOf(await failing(1, 503)), VAULT_MAX_RETRIES: retries }
      expect((await whoami(env)).code).toBe(7)
    }
    expect(jsonError(await whoami({ VAULT_MAX_RETRIES: 'many' })).fields).toMatchObject([
      { field: 'VAULT_MAX_RETRIES' },
    ])
  })
})

test.each([
  ['vault.test', 'vault.test', true],
  ['test', 'vault.test', true],
  ['.test', 'vault.test', true],
  ['*.test', 'vault.test', true],
  ['.vault.test', 'vault.test', false],
  ['est', 'vault.test', false],
  ['VAULT.Test', 'vault.test', true],
  ['vault.test:8200', 'vault.test', true],
  ['vault.test:8201', 'vault.test', false],
  ['a.test, b.test vault.test', 'vault.test', true],
  ['*', 'vault.test', true],
  ['', 'vault.test', false],
  ['10.0.0.0/8', '10.9.8.7', true],
  ['10.0.0.0/8', '11.9.8.7', false],
  ['10.0.0.0/99', '10.9.8.7', false],
  ['10.9.8.7', '10.9.8.7', true],
  ['10.9.8.7:8200', '10.9.8.7', true],
  ['9.8.7', '10.9.8.7', false],
  ['fd00::/8', 'fd12::1', true],
  ['fd12:0::1', 'fd12::1', true],
  ['[fd12::1]:8200', 'fd12::1', true],
  ['[fd12::1]:1', 'fd12::1', false],
])('NO_PROXY %s for the host %s: %s', (noProxy, hostname, excluded) => {
  expect(isExcludedFromProxy(noProxy, { hostname, port: 8200 })).toBe(excluded)
})
