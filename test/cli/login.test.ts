import { createSign, generateKeyPairSync } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { VAULT } from '../support/configured-servers.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { dsctl, json, jsonError, type RunOptions, temporaryFolder } from '../support/run.ts'
import { ADMIN, adminPolicy, createSite, type Site } from '../support/site.ts'
import { terminal } from '../support/terminal.ts'
import { answerWith } from '../support/vault-proxy.ts'
import { wiretap } from '../support/wiretap.ts'

const PASSWORD = 'login-canary-9c41 "pw"'
const SECRETS = [PASSWORD, 'secret-id-canary-27', 'jwt-canary-31']

let acme: Site
let proxied: ProxiedSite
/** A userpass user of the real or the imitated server. */
const ALICE = `alice-${Math.random().toString(36).slice(2, 8)}`

beforeAll(async () => {
  acme = await createSite()
  proxied = await proxySite(acme)
  const policy = await acme.vault.createPolicy('login', adminPolicy(acme.vault.mount))
  const write = (path: string, body: object) => acme.vault.request('POST', path, { body })
  await write(`auth/userpass/users/${ALICE}`, { password: PASSWORD, token_policies: [policy], token_ttl: '1h' })
  const entity = await write('identity/entity', { name: ALICE, metadata: { email: ADMIN } })
  const mounts = await acme.vault.request('GET', 'sys/auth')
  const mount_accessor = mounts.body.data['userpass/'].accessor
  await write('identity/entity-alias', { name: ALICE, canonical_id: entity.body.data.id, mount_accessor })
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
const userpass = ['login', '--method', 'userpass', '--username', ALICE]

function expectNoSecret(...texts: readonly string[]): void {
  for (const secret of SECRETS) expect(texts.join('\n')).not.toContain(secret)
}

describe('login with a password', () => {
  test('saves the token where the vault command does, readable only by its owner', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 'an older one', { mode: 0o644 })
    const result = await dsctl([...userpass, '--password', '-'], inHome(home, {}, `${PASSWORD}\n`))
    expect(result).toMatchObject({ code: 0, stdout: '' })
    expect(result.stderr).toMatch(/^Logged in\. The token expires in 1 hour/)
    expect(statSync(join(home, '.vault-token')).mode & 0o777).toBe(0o600)
    expect(readdirSync(home).filter(name => name.startsWith('.vault-token'))).toEqual(['.vault-token'])
    expectNoSecret(result.stdout, result.stderr)
    expect(result.stderr).not.toContain(tokenIn(home))
    expect(json(await dsctl(['whoami', '-o', 'json'], inHome(home)))).toMatchObject({ user: { email: ADMIN } })
  })

  test('also reads it from a variable or a file', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, 'pw'), `${PASSWORD}\r\n`)
    expect((await dsctl([...userpass, '--password', `@${join(home, 'pw')}`], inHome(home))).code).toBe(0)
    expect((await dsctl([...userpass, '--password', 'env:PW'], inHome(home, { PW: PASSWORD }))).code).toBe(0)
  })

  test('prompts for missing values, and hides the password', async () => {
    const home = temporaryFolder()
    const screen = terminal(['login', '--method', 'userpass'], inHome(home))
    await screen.waitFor('Username')
    screen.type(`${ALICE}\n`)
    await screen.waitFor('Password')
    screen.type(`${PASSWORD}\n`)
    expect((await screen.exit).code).toBe(0)
    expectNoSecret(screen.raw())
    expect(tokenIn(home)).not.toBe('')
  })

  test('exits 3 and keeps the old token if Vault refuses the password', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 'the old one')
    const result = await dsctl([...userpass, '--password', '-', '-v', '-o', 'json'], inHome(home, {}, SECRETS[1]))
    expect(result.code).toBe(3)
    expectNoSecret(result.stdout, result.stderr)
    expect(tokenIn(home)).toBe('the old one')
  })

  test('rejects a password in the arguments, in several lines, or masked', async () => {
    const home = temporaryFolder()
    for (const [args, stdin] of [
      [['--password', 'hunter2-on-the-line'], undefined],
      [['--password', '-'], 'two\nlines'],
      [['--password', '-'], '[REDACTED]'],
      [['--password', '-'], ''],
    ] as const) {
      const result = await dsctl([...userpass, ...args, '-o', 'json'], inHome(home, {}, stdin))
      expect(jsonError(result)).toMatchObject({ exit_code: 2, fields: [{ field: 'password' }] })
      expect(result.stderr).not.toContain('hunter2')
    }
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
  })

  test('names every missing flag if there is no terminal', async () => {
    const error = jsonError(await dsctl(['login', '--method', 'approle', '-o', 'json'], inHome(temporaryFolder())))
    expect(error.exit_code).toBe(2)
    expect(error.fields?.map(({ field }) => field)).toEqual(['role', 'secret-id'])
  })

  test('uses the mount of --auth-mount', async () => {
    const args = [...userpass, '--auth-mount', 'no-such-mount', '--password', '-', '-o', 'json']
    const error = jsonError(await dsctl(args, inHome(temporaryFolder(), {}, PASSWORD)))
    expect(error.message).toContain('auth/no-such-mount')
    expect([2, 3]).toContain(error.exit_code)
  })

  test('exits 7 if Vault cannot be reached', async () => {
    await proxied.vault.down()
    const result = await dsctl([...userpass, '--password', '-'], inHome(temporaryFolder(), {}, PASSWORD))
    await proxied.vault.up()
    expect(result.code).toBe(7)
    expectNoSecret(result.stderr)
  })

  test('warns if VAULT_TOKEN overrides the saved token', async () => {
    const home = temporaryFolder()
    const options = inHome(home, { VAULT_TOKEN: 'another' }, PASSWORD)
    expect((await dsctl([...userpass, '--password', '-'], options)).stderr).toContain('warning: VAULT_TOKEN is set')
  })
})

describe('login with a token', () => {
  test('saves only a token that Vault accepts', async () => {
    const home = temporaryFolder()
    const refused = await dsctl(['login', '--token', '-'], inHome(home, {}, 'jwt-canary-31'))
    expect(refused.code).toBe(3)
    expectNoSecret(refused.stderr)
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
    const token = await acme.vault.createToken({ ttl: '10m' })
    expect((await dsctl(['login', '--token', '-'], inHome(home, {}, token))).code).toBe(0)
    expect(tokenIn(home)).toBe(token)
  })

  test('prompts for it at a terminal, and fails if prompts are off', async () => {
    const home = temporaryFolder()
    const token = await acme.vault.createToken({ ttl: '10m' })
    const screen = terminal(['login', '--token', '-'], inHome(home))
    await screen.waitFor('? Token')
    screen.type(`${token}\n`)
    expect((await screen.exit).code, screen.text()).toBe(0)
    expect(screen.raw()).not.toContain(token)
    expect(tokenIn(home)).toBe(token)
    const refused = terminal(['login', '--token', '-', '--no-input'], inHome(home))
    expect((await refused.exit).code).toBe(2)
    expect(refused.text()).toContain('token: must be piped in: standard input is a terminal, and prompts are off')
  })
})

// Each method's request as Vault's API documents it, on any server.
describe('The request of', () => {
  const issued = { auth: { client_token: 's.issued', lease_duration: 600, renewable: true } }

  test.each([
    ['ldap', ['--username', 'al/ice'], '--password', 'auth/ldap/login/al%2Fice', { password: 'x y' }],
    ['approle', ['--role', 'r-1'], '--secret-id', 'auth/approle/login', { role_id: 'r-1', secret_id: 'x y' }],
    ['jwt', ['--role', 'ci'], '--jwt', 'auth/jwt/login', { role: 'ci', jwt: 'x y' }],
    ['kubernetes', ['--role', 'app'], '--jwt', 'auth/kubernetes/login', { role: 'app', jwt: 'x y' }],
    [
      ...(['jwt', ['--role', 'ci', '--auth-mount', 'auth/ci/gitlab/'], '--jwt'] as const),
      ...(['auth/ci/gitlab/login', { role: 'ci', jwt: 'x y' }] as const),
    ],
  ] as const)('%s %j is that of the API', async (method, args, flag, path, body) => {
    const home = temporaryFolder()
    const tap = await wiretap(proxied.env.VAULT_ADDR ?? '')
    proxied.vault.at(/login/, answerWith(200, issued))
    const options = inHome(home, { VAULT_ADDR: tap.addr }, 'x y')
    expect(await dsctl(['login', '--method', method, ...args, flag, '-'], options)).toMatchObject({ code: 0 })
    tap.close()
    expect(tap.requests.map(({ method, path, body }) => [method, path, JSON.parse(body)])).toEqual([
      ['POST', `/v1/${path}`, body],
    ])
    expect(tokenIn(home)).toBe('s.issued')
  })

  test('kubernetes uses the pod’s own token by default', async () => {
    const args = ['login', '--method', 'kubernetes', '--role', 'app', '-o', 'json']
    const error = jsonError(await dsctl(args, inHome(temporaryFolder())))
    expect(error).toMatchObject({
      exit_code: 2,
      fields: [{ field: 'jwt', message: expect.stringContaining('does not exist') }],
    })
  })

  test('a login that requires a second factor exits 3', async () => {
    proxied.vault.at(/login/, answerWith(200, { auth: { client_token: '', mfa_requirement: { mfa_request_id: 'x' } } }))
    const result = await dsctl([...userpass, '--password', '-'], inHome(temporaryFolder(), {}, PASSWORD))
    expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining('second factor') })
  })
})

describe('In a pipeline, VAULT_ROLE_ID and VAULT_SECRET_ID', () => {
  let role: { id: string; secretId: (wrapped?: boolean) => Promise<string> }

  beforeAll(async () => {
    role = VAULT ? await appRole(acme) : imitatedRole()
  })

  /** Without a real AppRole, the proxy responds to its login with a token of the admin. */
  function imitatedRole() {
    return {
      id: 'role-1',
      secretId: async () => {
        const token = await acme.vault.userToken({ email: ADMIN, policies: ['default'] })
        proxied.vault.at(/auth\/approle\/login/, answerWith(200, { auth: { client_token: token, lease_duration: 60 } }))
        return 'secret-id-canary-27'
      },
    }
  }

  const pipeline = (secretId: string) => ({ VAULT_ROLE_ID: role.id, VAULT_SECRET_ID: secretId })

  test('log each command in, and leave no file or token behind', async () => {
    const home = temporaryFolder()
    const result = await dsctl(['whoami', '-o', 'json'], inHome(home, pipeline(await role.secretId())))
    expect(json(result)).toMatchObject({ user: { email: ADMIN } })
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
    const requests = proxied.vault.exchanges
      .slice(-4)
      .map(({ method, path, status }) => [method, path.split('/')[2], status])
    expect(requests.at(0)).toEqual(['POST', 'login', 200])
    expect(requests.at(-1)).toEqual(['POST', 'revoke-self', 204])
    expectNoSecret(result.stdout, result.stderr)
  })

  test('override the token of an earlier login, but not VAULT_TOKEN', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 's.stale')
    expect((await dsctl(['whoami'], inHome(home, pipeline(await role.secretId())))).code).toBe(0)
    const both = { ...pipeline('wrong'), VAULT_TOKEN: acme.env.VAULT_TOKEN }
    expect((await dsctl(['whoami'], inHome(home, both))).code).toBe(0)
  })

  test('exit 3 if refused', async () => {
    proxied.vault.at(/auth\/approle\/login/, answerWith(400, { errors: ['invalid role or secret ID'] }))
    const result = await dsctl(['list'], inHome(temporaryFolder(), pipeline('secret-id-canary-27')))
    expect(result.code).toBe(3)
    expectNoSecret(result.stderr)
  })

  test('may be response-wrapped, for one use', async () => {
    const wrapped = VAULT ? await role.secretId(true) : 's.wrapping'
    if (!VAULT) await imitateWrapping()
    expect((await dsctl(['whoami'], inHome(temporaryFolder(), pipeline(wrapped)))).code).toBe(0)
    await proxied.restore()
    if (!VAULT) proxied.vault.at(/wrapping\/lookup/, answerWith(400, { errors: ['wrapping token is not valid'] }))
    const again = await dsctl(['whoami'], inHome(temporaryFolder(), pipeline(wrapped)))
    expect(again).toMatchObject({ code: 3, stderr: expect.stringContaining('has already been used') })
  })

  async function imitateWrapping() {
    proxied.vault.at(/wrapping\/lookup/, answerWith(200, { data: { creation_path: 'auth/approle/role/ci/secret-id' } }))
    proxied.vault.at(/wrapping\/unwrap/, answerWith(200, { data: { secret_id: 'secret-id-canary-27' } }))
    await role.secretId()
  }

  test('are rejected if the wrapped secret comes from elsewhere', async () => {
    proxied.vault.at(/wrapping\/lookup/, answerWith(200, { data: { creation_path: 'sys/wrapping/wrap' } }))
    const result = await dsctl(['whoami'], inHome(temporaryFolder(), pipeline('s.swapped')))
    expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining('may have replaced it') })
    expect(proxied.vault.exchanges.at(-1)?.path).toBe('sys/wrapping/lookup')
  })
})

describe('VAULT_NAMESPACE', () => {
  test('is sent with a login and every other request', async () => {
    const home = temporaryFolder()
    const tap = await wiretap(acme.vault.addr)
    const env = { VAULT_ADDR: tap.addr, VAULT_NAMESPACE: 'team-a', VAULT_TOKEN: acme.env.VAULT_TOKEN }
    await dsctl([...userpass, '--password', '-'], inHome(home, env, PASSWORD))
    await dsctl(['whoami'], inHome(home, env))
    tap.close()
    expect(tap.requests.length).toBeGreaterThan(1)
    expect(new Set(tap.requests.map(({ headers }) => headers['x-vault-namespace']))).toEqual(new Set(['team-a']))
  })
})

if (VAULT) {
  describe('On a real server', () => {
    test('a JWT logs in, and its alias identifies the user', async () => {
      const mount = `jwt-${ALICE}`
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const key = publicKey.export({ type: 'spki', format: 'pem' })
      const write = (path: string, body: object) => acme.vault.request('POST', path, { body })
      await write(`sys/auth/${mount}`, { type: 'jwt' })
      await write(`auth/${mount}/config`, { jwt_validation_pubkeys: [key] })
      const role = { role_type: 'jwt', user_claim: 'email', bound_audiences: ['dsctl'], token_ttl: '5m' }
      await write(`auth/${mount}/role/ci`, role)
      const home = temporaryFolder()
      const jwt = signed({ aud: 'dsctl', email: ADMIN, exp: Math.floor(Date.now() / 1000) + 60 }, privateKey)
      const args = ['login', '--method', 'jwt', '--role', 'ci', '--auth-mount', mount, '--jwt', 'env:JWT']
      expect(await dsctl(args, inHome(home, { JWT: jwt }))).toMatchObject({ code: 0 })
      expect(json(await dsctl(['whoami', '-o', 'json'], inHome(home)))).toMatchObject({
        ...{ user: { email: ADMIN }, identity_source: 'name of a Vault jwt alias' },
      })
      await acme.vault.request('DELETE', `sys/auth/${mount}`)
    })
  })
}

function signed(claims: object, key: ReturnType<typeof generateKeyPairSync>['privateKey']): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`
}

/** Creates a real AppRole whose entity has the admin's address. */
async function appRole({ vault }: Site) {
  const name = `ci-${ALICE}`
  const write = (path: string, body: object = {}) => vault.request('POST', path, { body })
  await write('sys/auth/approle', { type: 'approle' })
  await write(`auth/approle/role/${name}`, { token_ttl: '5m' })
  const { body } = await vault.request('GET', `auth/approle/role/${name}/role-id`)
  const id: string = body.data.role_id
  const mounts = await vault.request('GET', 'sys/auth')
  const entity = await write('identity/entity', { name, metadata: { email: ADMIN } })
  const alias = { name: id, canonical_id: entity.body.data.id, mount_accessor: mounts.body.data['approle/'].accessor }
  await write('identity/entity-alias', alias)
  const secretId = async (wrapped = false): Promise<string> => {
    const path = `auth/approle/role/${name}/secret-id`
    if (!wrapped) return (await write(path)).body.data.secret_id
    const headers = { 'X-Vault-Token': vault.rootToken, 'X-Vault-Wrap-TTL': '60s' }
    const answer = await fetch(`${vault.addr}/v1/${path}`, { method: 'POST', headers, body: '{}' })
    return ((await answer.json()) as { wrap_info: { token: string } }).wrap_info.token
  }
  return { id, secretId }
}
