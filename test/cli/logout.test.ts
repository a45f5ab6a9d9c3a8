import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { dsctl, jsonError, type RunOptions, temporaryFolder } from '../support/run.ts'
import { createSite, type Site } from '../support/site.ts'
import { terminal } from '../support/terminal.ts'

const PASSWORD = 'logout-canary-51d7'
/** A userpass user of the real or the imitated server. */
const ALICE = `alice-${Math.random().toString(36).slice(2, 8)}`
const userpass = ['login', '--method', 'userpass', '--username', ALICE]

let acme: Site
let proxied: ProxiedSite

beforeAll(async () => {
  acme = await createSite()
  proxied = await proxySite(acme)
  const body = { password: PASSWORD, token_policies: ['default'], token_ttl: '1h' }
  await acme.vault.request('POST', `auth/userpass/users/${ALICE}`, { body })
})

afterEach(() => proxied.restore())

afterAll(async () => {
  proxied?.close()
  await acme?.drop()
})

/** Options to run dsctl in this home, with settings for the servers and no token. */
function inHome(home: string, env: RunOptions['env'] = {}, stdin?: string): RunOptions {
  return { home, stdin, env: { ...proxied.env, VAULT_TOKEN: undefined, DSCTL_ORG: 'Acme', ...env } }
}

const tokenIn = (home: string) => readFileSync(join(home, '.vault-token'), 'utf8')

describe('A token file that is a symbolic link', () => {
  const logIn = async (link: string, target: string, at: string) => {
    const home = temporaryFolder()
    mkdirSync(join(home, 'dotfiles'))
    if (target) writeFileSync(join(home, 'dotfiles/token'), target, { mode: 0o644 })
    symlinkSync(link, join(home, '.vault-token'))
    const result = await dsctl([...userpass, '--password', '-'], inHome(home, {}, PASSWORD))
    expect(result.code, result.stderr).toBe(0)
    expect(readlinkSync(join(home, '.vault-token'))).toBe(link)
    expect(statSync(join(home, at)).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(home, 'dotfiles'))).toEqual([at.replace('dotfiles/', '')])
    expect(tokenIn(home)).toMatch(/^(hv)?s\./)
    return home
  }

  test('stays, and its target is replaced', async () => {
    const home = await logIn('dotfiles/token', 's.old', 'dotfiles/token')
    expect((await dsctl(['logout'], inHome(home))).code).toBe(0)
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
    expect([lstatSync(join(home, '.vault-token')).isSymbolicLink(), readdirSync(join(home, 'dotfiles'))]).toEqual([
      true,
      [],
    ])
  })

  test('to a device is refused, and the device stays', async () => {
    const home = temporaryFolder()
    symlinkSync('/dev/null', join(home, '.vault-token'))
    const result = await dsctl([...userpass, '--password', '-'], inHome(home, {}, PASSWORD))
    expect(result.code).toBe(2)
    expect(result.stderr).toContain('The token cannot be saved to /dev/null (not a regular file).')
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  test('stays if its target does not exist yet', async () => {
    await logIn('dotfiles/new', '', 'dotfiles/new')
  })
})

describe('logout', () => {
  test('revokes and removes the token, and then does nothing', async () => {
    const home = temporaryFolder()
    await dsctl([...userpass, '--password', '-'], inHome(home, {}, PASSWORD))
    const token = tokenIn(home)
    expect(await dsctl(['logout'], inHome(home))).toMatchObject({ code: 0, stdout: '' })
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
    expect((await acme.vault.request('GET', 'auth/token/lookup-self', { token })).status).toBe(403)
    expect((await dsctl(['logout'], inHome(home))).stderr).toBe('Not logged in: no token is saved.\n')
    expect((await dsctl(['list'], inHome(home))).code).toBe(3)
  })

  test('asks for confirmation or --yes to revoke a root token', async () => {
    const home = temporaryFolder()
    const token = await rootToken()
    writeFileSync(join(home, '.vault-token'), token)
    const known = async () => (await acme.vault.request('GET', 'auth/token/lookup-self', { token })).status
    const unasked = await dsctl(['logout', '-o', 'json'], inHome(home))
    expect(jsonError(unasked)).toMatchObject({ exit_code: 2, hint: 'Pass --yes.' })
    const screen = terminal(['logout'], inHome(home))
    await screen.waitFor('Revoke the root token')
    screen.type('n\n')
    expect((await screen.exit).code).toBe(130)
    expect([tokenIn(home), await known()]).toEqual([token, 200])
    expect(await dsctl(['logout', '--yes'], inHome(home))).toMatchObject({ code: 0 })
    expect([existsSync(join(home, '.vault-token')), await known()]).toEqual([false, 403])
  })

  /** Creates a root token, since the test revokes it. */
  async function rootToken(): Promise<string> {
    const response = await acme.vault.request('POST', 'auth/token/create', { body: { policies: ['root'] } })
    return response.body.auth.client_token
  }

  test('removes an unknown token, with a warning', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 's.expired')
    const result = await dsctl(['logout'], inHome(home))
    expect(result.code).toBe(0)
    expect(result.stderr).toContain('warning: Vault did not revoke the token')
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
  })

  test('warns that a batch token stays valid, and how long', async () => {
    const home = temporaryFolder()
    const body = { type: 'batch', policies: ['default'], ttl: '2h' }
    const response = await acme.vault.request('POST', 'auth/token/create', { body })
    writeFileSync(join(home, '.vault-token'), response.body.auth.client_token)
    const result = await dsctl(['logout'], inHome(home))
    expect(result.code).toBe(0)
    expect(result.stderr).toMatch(
      /^Logged out: the token was removed\.\ndsctl: warning: Vault cannot revoke a batch token\. It stays valid for (2 hours|1 hour)\.\n$/,
    )
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
  })

  test('warns that a token stays valid if its policy forbids to revoke it', async () => {
    const home = temporaryFolder()
    const policy = await acme.vault.createPolicy(
      'unrevocable',
      'path "auth/token/lookup-self" { capabilities = ["read"] }',
    )
    const body = { policies: [policy], no_default_policy: true, ttl: '2h' }
    const response = await acme.vault.request('POST', 'auth/token/create', { body })
    writeFileSync(join(home, '.vault-token'), response.body.auth.client_token)
    const { stderr } = await dsctl(['logout'], inHome(home))
    expect(stderr).toContain('because its policy forbids it. It stays valid for')
  })

  test('keeps the token if Vault cannot be reached', async () => {
    const home = temporaryFolder()
    await dsctl([...userpass, '--password', '-'], inHome(home, {}, PASSWORD))
    await proxied.vault.down()
    const result = await dsctl(['logout'], inHome(home))
    await proxied.vault.up()
    expect(result.code).toBe(7)
    expect(tokenIn(home)).not.toBe('')
  })
})
