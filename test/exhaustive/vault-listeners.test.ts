import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authority } from '../support/certificate.ts'
import { BAO_BIN } from '../support/own-stores.ts'
import { json, jsonError, temporaryFolder } from '../support/run.ts'
import { scratchDatabase } from '../support/servers.ts'
import { ADMIN, createSiteOn, type Site } from '../support/site.ts'
import { vaultOn } from '../support/vault.ts'
import {
  baoProxy,
  baoWithListeners,
  type Listeners,
  type Program,
  TINYPROXY,
  tinyproxy,
} from '../support/vault-programs.ts'

// Real listeners of OpenBao, `bao proxy`, and a real forward proxy.

const ours = authority()

describe.skipIf(BAO_BIN === undefined)('Listeners of OpenBao', () => {
  let bao: Listeners
  let site: Site
  let role: { role_id: string; secret_id: string }
  const programs: Program[] = []

  beforeAll(async () => {
    // 0.0.0.0 reaches this machine too, but is no loopback address, so that a proxy applies.
    bao = await baoWithListeners({ tls: ours.certificateFor('0.0.0.0'), clientCa: ours.cert })
    programs.push(bao)
    const vault = await vaultOn({ addr: bao.addr, rootToken: 'root' }, 'kv')
    site = await createSiteOn(await scratchDatabase({ tables: true }), vault)
    role = await createRole()
  })

  afterAll(async () => {
    await site?.database.drop()
    for (const { stop } of programs) stop()
  })

  const ask = async (method: string, path: string, body?: object) =>
    (await site.vault.request(method, path, body === undefined ? {} : { body })).body

  /** An AppRole whose entity is the admin. */
  async function createRole(): Promise<typeof role> {
    await ask('POST', 'sys/auth/approle', { type: 'approle' })
    const { data } = await ask('GET', 'sys/policies/acl?list=true')
    const policies = data.keys.filter((name: string) => name.startsWith('dsctl-admin'))
    await ask('POST', 'auth/approle/role/admin', { token_policies: policies, token_ttl: '10m' })
    const role_id = (await ask('GET', 'auth/approle/role/admin/role-id')).data.role_id
    const secret_id = (await ask('POST', 'auth/approle/role/admin/secret-id', {})).data.secret_id
    const { auth } = await ask('POST', 'auth/approle/login', { role_id, secret_id })
    await ask('POST', `identity/entity/id/${auth.entity_id}`, { metadata: { email: ADMIN } })
    return { role_id, secret_id }
  }

  const whoami = (env: Record<string, string | undefined>) => site.dsctl(['whoami', '-o', 'json'], { env })

  test('with mutual TLS accept a client certificate', async () => {
    const client = ours.certificateFor('a client')
    const env = { VAULT_ADDR: `https://127.0.0.1:${bao.tlsPort}`, VAULT_CACERT_BYTES: ours.cert }
    const named = { ...env, VAULT_TLS_SERVER_NAME: '0.0.0.0' }
    const error = jsonError(await whoami(named))
    expect(error).toMatchObject({ exit_code: 7, message: expect.stringContaining('requires a client certificate') })
    expect(error.hint).toContain('VAULT_CLIENT_CERT')
    const pair = { BAO_CLIENT_CERT_BYTES: client.cert, BAO_CLIENT_KEY_BYTES: client.key }
    expect(await whoami({ ...named, ...pair })).toMatchObject({ code: 0, stderr: '' })
  })

  test('may be Unix sockets', async () => {
    expect(await whoami({ VAULT_ADDR: `unix://${bao.socket}` })).toMatchObject({ code: 0, stderr: '' })
  })

  test('open a wrapped token at login, once', async () => {
    const home = temporaryFolder()
    const wrapped = async () => {
      const headers = { 'X-Vault-Token': 'root', 'X-Vault-Wrap-TTL': '60s', 'Content-Type': 'application/json' }
      const created = await fetch(`${bao.addr}/v1/auth/token/create`, {
        method: 'POST',
        headers,
        body: '{"ttl":"5m","policies":["default"]}',
      })
      return ((await created.json()) as { wrap_info: { token: string } }).wrap_info.token
    }
    const token = await wrapped()
    const login = (stdin: string) =>
      site.dsctl(['login', '--token', '-'], { home, stdin, env: { VAULT_TOKEN: undefined } })
    const first = await login(token)
    expect(first).toMatchObject({ code: 0 })
    expect(first.stderr).toContain('expires in 5 minutes')
    const logout = await site.dsctl(['logout'], { home, env: { VAULT_TOKEN: undefined } })
    expect(logout.stderr).toContain('the token was revoked')
    expect((await login(token)).code).toBe(3)
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
  })

  describe('behind bao proxy', () => {
    const proxied = async (more: string) => {
      const program = await baoProxy(bao.addr, more)
      programs.push(program)
      return program.addr
    }

    /** Auto-auth with the AppRole, and a file that gets its token. */
    function autoAuth(use: string): { config: string; sink: string } {
      const folder = mkdtempSync(join(tmpdir(), 'dsctl-auto-auth-'))
      const file = (name: string, text = '') => {
        writeFileSync(join(folder, name), text)
        return join(folder, name)
      }
      const sink = join(folder, 'sink')
      const files = `role_id_file_path = "${file('role', role.role_id)}"
      secret_id_file_path = "${file('secret', role.secret_id)}"
      remove_secret_id_file_after_reading = false`
      const method = `method "approle" {\n    config = {\n      ${files}\n    }\n  }`
      const target = `sink "file" {\n    config = { path = "${sink}" }\n  }`
      return { config: `auto_auth {\n  ${method}\n  ${target}\n}\napi_proxy { use_auto_auth_token = ${use} }`, sink }
    }

    test('send the header that it requires', async () => {
      const addr = await proxied('cache {}')
      expect((await whoami({ VAULT_ADDR: addr })).code).toBe(0)
      const unnamed = await fetch(`${addr}/v1/sys/health`)
      expect(unnamed.status).toBe(412)
    })

    test.each(['true', '"force"'])('need no token with auto-auth (%s), and never revoke it', async use => {
      const { config, sink } = autoAuth(use)
      const addr = await proxied(config)
      await expect.poll(() => existsSync(sink), { timeout: 10_000 }).toBe(true)
      const env = { VAULT_AGENT_ADDR: addr, VAULT_TOKEN: undefined, VAULT_TOKEN_PATH: '/nowhere' }
      expect(json(await whoami(env)).user.email).toBe(ADMIN)
      const token = readFileSync(sink, 'utf8')
      const alive = async () => (await site.vault.request('GET', 'auth/token/lookup-self', { token })).status
      expect(await alive()).toBe(200)
      const approle = { VAULT_ROLE_ID: role.role_id, VAULT_SECRET_ID: role.secret_id }
      expect((await whoami({ ...env, ...approle })).code).toBe(0)
      expect(await alive()).toBe(200)
      const home = temporaryFolder()
      for (const saved of [token, await site.vault.createToken({ ttl: '5m' })]) {
        writeFileSync(join(home, '.vault-token'), saved)
        const logout = await site.dsctl(['logout'], { home, env: { ...env, VAULT_TOKEN_PATH: undefined } })
        expect(logout.code, logout.stderr).toBe(0)
        expect(await alive(), logout.stderr).toBe(200)
      }
    })

    test('do not revoke a token that its cache gives to others', async () => {
      const addr = await proxied('cache {}')
      const login = { role_id: role.role_id, secret_id: role.secret_id }
      const viaCache = async () => {
        const headers = { 'X-Vault-Request': 'true' }
        const options = { method: 'PUT', headers, body: JSON.stringify(login) }
        const answer = await fetch(`${addr}/v1/auth/approle/login`, options)
        return ((await answer.json()) as { auth: { client_token: string } }).auth.client_token
      }
      const env = {
        VAULT_ADDR: addr,
        VAULT_TOKEN: undefined,
        VAULT_ROLE_ID: role.role_id,
        VAULT_SECRET_ID: role.secret_id,
      }
      const shared = await viaCache()
      expect((await whoami(env)).code).toBe(0)
      expect((await site.vault.request('GET', 'auth/token/lookup-self', { token: shared })).status).toBe(200)
    })
  })

  test.skipIf(TINYPROXY === undefined)('are reached through a forward proxy with a login', async () => {
    const proxy = await tinyproxy({ user: 'me', password: 'proxy-canary' })
    programs.push(proxy)
    const client = ours.certificateFor('a client')
    const tls = { VAULT_CACERT_BYTES: ours.cert, BAO_CLIENT_CERT_BYTES: client.cert, BAO_CLIENT_KEY_BYTES: client.key }
    for (const env of [
      { VAULT_ADDR: `https://0.0.0.0:${bao.tlsPort}`, ...tls },
      { VAULT_ADDR: `http://0.0.0.0:${bao.port}` },
    ]) {
      const url = `http://me:proxy-canary@127.0.0.1:${proxy.port}`
      const result = await whoami({ ...env, VAULT_PROXY_ADDR: url })
      expect(result.code, result.stderr).toBe(0)
      const refused = await whoami({ ...env, VAULT_PROXY_ADDR: url.replace('canary', 'canary-2') })
      expect(refused.code).not.toBe(0)
      expect(refused.stderr).not.toContain('proxy-canary')
    }
  })
})
