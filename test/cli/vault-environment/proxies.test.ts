import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { authority } from '../../support/certificate.ts'
import { jsonError } from '../../support/run.ts'
import { createSite, type Site } from '../../support/site.ts'
import { type ForwardProxy, forwardProxy, type VaultFront, vaultFront } from '../../support/vault-front.ts'

const LOGIN = 'proxy-user:proxy-canary%20pw'
const BASIC = `Basic ${Buffer.from('proxy-user:proxy-canary pw').toString('base64')}`
const ours = authority()

let site: Site
let secure: VaultFront
let plain: VaultFront
const open: ForwardProxy[] = []

beforeAll(async () => {
  site = await createSite()
  secure = await vaultFront(site.vault.addr, { tls: ours.certificateFor('vault.test') })
  plain = await vaultFront(site.vault.addr)
})

afterEach(() => {
  for (const proxy of open.splice(0)) proxy.close()
})

afterAll(async () => {
  secure?.close()
  plain?.close()
  await site?.drop()
})

async function proxyTo(front: VaultFront, options?: Parameters<typeof forwardProxy>[1]): Promise<ForwardProxy> {
  const proxy = await forwardProxy(() => front.port, options)
  open.push(proxy)
  return proxy
}

const HTTPS = { VAULT_ADDR: 'https://vault.test:8200', VAULT_CACERT_BYTES: ours.cert }
const HTTP = { VAULT_ADDR: 'http://vault.test:8200' }
const whoami = (env: Record<string, string>) => site.dsctl(['whoami', '-o', 'json', '--timeout', '5'], { env })

describe('a proxy', () => {
  test('is used with CONNECT for https, and keeps the connection', async () => {
    const proxy = await proxyTo(secure)
    expect(await whoami({ ...HTTPS, HTTPS_PROXY: `http://${proxy.addr}` })).toMatchObject({ code: 0 })
    expect(proxy.seen.map(({ line }) => line)).toEqual(['CONNECT vault.test:8200'])
    expect(secure.requests.at(-1)).toMatchObject({ servername: 'vault.test', headers: { 'x-vault-request': 'true' } })
    expect(secure.requests.at(-1)?.headers).not.toHaveProperty('proxy-authorization')
  })

  test('is used with the whole URL for http', async () => {
    const proxy = await proxyTo(plain)
    expect(await whoami({ ...HTTP, HTTP_PROXY: proxy.addr })).toMatchObject({ code: 0 })
    expect(proxy.seen[0]?.line).toBe('GET http://vault.test:8200/v1/auth/token/lookup-self')
    expect(plain.requests.at(-1)?.headers).toMatchObject({ host: 'vault.test:8200', 'x-vault-request': 'true' })
  })

  test('may itself be reached by TLS', async () => {
    const tls = ours.certificateFor('127.0.0.1')
    for (const [env, front] of [
      [HTTPS, secure],
      [{ ...HTTP, VAULT_CACERT_BYTES: ours.cert }, plain],
    ] as const) {
      const proxy = await proxyTo(front, { tls, login: BASIC })
      const url = `https://${LOGIN}@${proxy.addr}`
      const result = await whoami({ ...env, VAULT_PROXY_ADDR: url })
      expect(result.code, result.stderr).toBe(0)
    }
  })

  test('comes from VAULT_PROXY_ADDR, VAULT_HTTP_PROXY, or the variables of the system', async () => {
    const dead = 'http://127.0.0.1:1'
    for (const variables of [
      (proxy: string) => ({ VAULT_PROXY_ADDR: proxy, VAULT_HTTP_PROXY: dead, HTTPS_PROXY: dead, NO_PROXY: '*' }),
      (proxy: string) => ({ BAO_PROXY_ADDR: proxy, VAULT_PROXY_ADDR: dead }),
      (proxy: string) => ({ VAULT_HTTP_PROXY: proxy, HTTPS_PROXY: dead }),
      (proxy: string) => ({ HTTPS_PROXY: proxy, https_proxy: dead, HTTP_PROXY: dead }),
      (proxy: string) => ({ https_proxy: proxy }),
    ]) {
      const proxy = await proxyTo(secure)
      const env = variables(`http://${proxy.addr}`)
      expect((await whoami({ ...HTTPS, ...env })).code, JSON.stringify(env)).toBe(0)
      expect(proxy.seen).toHaveLength(1)
    }
  })

  test('is never used for this machine', async () => {
    const env = { VAULT_PROXY_ADDR: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' }
    for (const host of ['127.0.0.1', 'localhost', '127.0.0.2']) {
      const result = await whoami({ ...env, VAULT_ADDR: `http://${host}:${plain.port}` })
      expect(result.stderr).not.toContain('proxy')
      if (host !== '127.0.0.2') expect(result.code).toBe(0)
    }
  })

  test('is not used for what NO_PROXY excludes', async () => {
    const proxy = await proxyTo(secure)
    for (const name of ['NO_PROXY', 'no_proxy']) {
      const result = await whoami({ ...HTTPS, HTTPS_PROXY: proxy.addr, [name]: 'other.test, .test' })
      expect(result.stderr).toContain('Vault at vault.test:8200 cannot be reached: host')
    }
    expect(proxy.seen).toEqual([])
  })
})

describe('the login of a proxy', () => {
  test('is sent to the proxy only', async () => {
    for (const [env, front] of [
      [HTTPS, secure],
      [HTTP, plain],
    ] as const) {
      const proxy = await proxyTo(front, { login: BASIC })
      const result = await whoami({ ...env, VAULT_PROXY_ADDR: `http://${LOGIN}@${proxy.addr}` })
      expect(result.code, result.stderr).toBe(0)
      expect(front.requests.at(-1)?.headers).not.toHaveProperty('proxy-authorization')
    }
  })

  test.each(['https', 'http'])('is never shown, also with NODE_DEBUG and DEBUG, for %s', async scheme => {
    const [env, front] = scheme === 'https' ? ([HTTPS, secure] as const) : ([HTTP, plain] as const)
    const proxy = await proxyTo(front, { login: BASIC })
    const debug = { DEBUG: '*', NODE_DEBUG: 'http,https,net,tls,stream' }
    const proxied = { ...env, ...debug, VAULT_PROXY_ADDR: `http://${LOGIN}@${proxy.addr}` }
    const good = await site.spawnDsctl(['whoami', '-v'], { env: proxied }).result
    expect(good.code).toBe(0)
    const wrong = { ...proxied, VAULT_PROXY_ADDR: `http://${LOGIN}wrong@${proxy.addr}` }
    const refused = await site.spawnDsctl(['whoami', '-v'], { env: wrong }).result
    expect(refused.code).not.toBe(0)
    expect(good.stderr + refused.stderr).not.toMatch(/proxy-canary|cHJveHktdXNlcj/)
  })

  test('is named as the cause if it is wrong', async () => {
    const proxy = await proxyTo(secure, { login: BASIC })
    const error = jsonError(await whoami({ ...HTTPS, HTTPS_PROXY: `http://me:wrong-canary@${proxy.addr}` }))
    expect(error).toMatchObject({ exit_code: 7, hint: expect.stringContaining('Check HTTPS_PROXY.') })
    expect(error.message).toContain(`through the proxy http://${proxy.addr}: the proxy requires another login (407)`)
    expect(JSON.stringify(error)).not.toContain('wrong-canary')
  })
})

describe('a proxy that fails', () => {
  test('is named if it cannot be reached', async () => {
    for (const env of [HTTPS, HTTP]) {
      const { code, stderr } = await whoami({ ...env, VAULT_PROXY_ADDR: 'http://127.0.0.1:1' })
      expect(code).toBe(7)
      expect(stderr).toContain('through the proxy http://127.0.0.1:1: the connection was refused')
      expect(stderr).toContain('Check VAULT_PROXY_ADDR, or unset it')
    }
  })

  test('does not keep the process from ending if it never answers', async () => {
    for (const [env, front] of [
      [HTTPS, secure],
      [HTTP, plain],
    ] as const) {
      const proxy = await proxyTo(front, { silent: true })
      const args = ['whoami', '-o', 'json', '--timeout', '0.5']
      const proxied = { ...env, VAULT_PROXY_ADDR: `http://${proxy.addr}` }
      const result = await site.spawnDsctl(args, { env: proxied, timeout: 8_000 }).result
      expect(result.signal).toBeNull()
      expect(result.code).toBe(7)
      expect(result.stderr).not.toMatch(/bug/i)
    }
  })

  test('is refused by the name of its variable if it is no proxy', async () => {
    for (const value of ['socks5://u:canary-9@h:1', 'http://', 'http://u:canary-9%zz@h', 'http://u:canary-9@ h']) {
      const result = await whoami({ ...HTTPS, HTTPS_PROXY: value })
      expect(jsonError(result)).toMatchObject({ exit_code: 2, fields: [{ field: 'HTTPS_PROXY' }] })
      expect(result.stderr).not.toContain('canary-9')
    }
  })
})
