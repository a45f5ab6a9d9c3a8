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
/** A userpass person of the real server, or of the one of ours. */
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

/** In a home of its own, with a profile's worth of environment and no token. */
function at(home: string, env: RunOptions['env'] = {}, stdin?: string): RunOptions {
  return { home, stdin, env: { ...proxied.env, VAULT_TOKEN: undefined, DSCTL_ORG: 'Acme', ...env } }
}

const tokenIn = (home: string) => readFileSync(join(home, '.vault-token'), 'utf8')
const userpass = ['login', '--method', 'userpass', '--username', ALICE]

function expectNoSecret(...texts: readonly string[]): void {
  for (const secret of SECRETS) expect(texts.join('\n')).not.toContain(secret)
}

describe('login with a password', () => {
  test('keeps the token where the vault command does, for its owner alone, and everything works with it', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 'an older one', { mode: 0o644 })
    const result = await dsctl([...userpass, '--password', '-'], at(home, {}, `${PASSWORD}\n`))
    expect(result).toMatchObject({ code: 0, stdout: '' })
    expect(result.stderr).toMatch(/^Logged in\. The token expires in 1 hour/)
    expect(statSync(join(home, '.vault-token')).mode & 0o777).toBe(0o600)
    expect(readdirSync(home).filter(name => name.startsWith('.vault-token'))).toEqual(['.vault-token'])
    expectNoSecret(result.stdout, result.stderr)
    expect(result.stderr).not.toContain(tokenIn(home))
    expect(json(await dsctl(['whoami', '-o', 'json'], at(home)))).toMatchObject({ user: { email: ADMIN } })
  })

  test('takes it from a variable or a file, too', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, 'pw'), `${PASSWORD}\r\n`)
    expect((await dsctl([...userpass, '--password', `@${join(home, 'pw')}`], at(home))).code).toBe(0)
    expect((await dsctl([...userpass, '--password', 'env:PW'], at(home, { PW: PASSWORD }))).code).toBe(0)
  })

  test('asks at a terminal for what is missing, and shows nothing of the password', async () => {
    const home = temporaryFolder()
    const screen = terminal(['login', '--method', 'userpass'], at(home))
    await screen.waitFor('Username')
    screen.type(`${ALICE}\n`)
    await screen.waitFor('Password')
    screen.type(`${PASSWORD}\n`)
    expect((await screen.exit).code).toBe(0)
    expectNoSecret(screen.raw())
    expect(tokenIn(home)).not.toBe('')
  })

  test('refused by Vault is exit 3, leaves the old token, and tells nothing of the password', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 'the old one')
    const result = await dsctl([...userpass, '--password', '-', '-v', '-o', 'json'], at(home, {}, SECRETS[1]))
    expect(result.code).toBe(3)
    expectNoSecret(result.stdout, result.stderr)
    expect(tokenIn(home)).toBe('the old one')
  })

  test('is never taken from the command line itself, nor in several lines, nor as a mask', async () => {
    const home = temporaryFolder()
    for (const [args, stdin] of [
      [['--password', 'hunter2-on-the-line'], undefined],
      [['--password', '-'], 'two\nlines'],
      [['--password', '-'], '[REDACTED]'],
      [['--password', '-'], ''],
    ] as const) {
      const result = await dsctl([...userpass, ...args, '-o', 'json'], at(home, {}, stdin))
      expect(jsonError(result)).toMatchObject({ exit_code: 2, fields: [{ field: 'password' }] })
      expect(result.stderr).not.toContain('hunter2')
    }
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
  })

  test('names every missing flag at once where nobody can be asked', async () => {
    const error = jsonError(await dsctl(['login', '--method', 'approle', '-o', 'json'], at(temporaryFolder())))
    expect(error.exit_code).toBe(2)
    expect(error.fields?.map(({ field }) => field)).toEqual(['role', 'secret-id'])
  })

  test('is another mount’s where --auth-mount says so', async () => {
    const args = [...userpass, '--auth-mount', 'no-such-mount', '--password', '-', '-o', 'json']
    const error = jsonError(await dsctl(args, at(temporaryFolder(), {}, PASSWORD)))
    expect(error.message).toContain('auth/no-such-mount')
    expect([2, 3]).toContain(error.exit_code)
  })

  test('is exit 7 where Vault does not answer', async () => {
    await proxied.vault.down()
    const result = await dsctl([...userpass, '--password', '-'], at(temporaryFolder(), {}, PASSWORD))
    await proxied.vault.up()
    expect(result.code).toBe(7)
    expectNoSecret(result.stderr)
  })

  test('warns where VAULT_TOKEN would go before the token kept', async () => {
    const home = temporaryFolder()
    const options = at(home, { VAULT_TOKEN: 'another' }, PASSWORD)
    expect((await dsctl([...userpass, '--password', '-'], options)).stderr).toContain('warning: VAULT_TOKEN is set')
  })
})

describe('login with a token', () => {
  test('keeps one that Vault accepts, and no other', async () => {
    const home = temporaryFolder()
    const refused = await dsctl(['login', '--token', '-'], at(home, {}, 'jwt-canary-31'))
    expect(refused.code).toBe(3)
    expectNoSecret(refused.stderr)
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
    const token = await acme.vault.createToken({ ttl: '10m' })
    expect((await dsctl(['login', '--token', '-'], at(home, {}, token))).code).toBe(0)
    expect(tokenIn(home)).toBe(token)
  })

  test('asks for it at a terminal, where - would show it, and refuses it where nobody may be asked', async () => {
    const home = temporaryFolder()
    const token = await acme.vault.createToken({ ttl: '10m' })
    const screen = terminal(['login', '--token', '-'], at(home))
    await screen.waitFor('? Token')
    screen.type(`${token}\n`)
    expect((await screen.exit).code, screen.text()).toBe(0)
    expect(screen.raw()).not.toContain(token)
    expect(tokenIn(home)).toBe(token)
    const refused = terminal(['login', '--token', '-', '--no-input'], at(home))
    expect((await refused.exit).code).toBe(2)
    expect(refused.text()).toContain('token: comes from standard input, which is a terminal, and prompts are off')
  })
})

describe('logout', () => {
  test('revokes the token and removes it, and has nothing to do the second time', async () => {
    const home = temporaryFolder()
    await dsctl([...userpass, '--password', '-'], at(home, {}, PASSWORD))
    const token = tokenIn(home)
    expect(await dsctl(['logout'], at(home))).toMatchObject({ code: 0, stdout: '' })
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
    expect((await acme.vault.request('GET', 'auth/token/lookup-self', { token })).status).toBe(403)
    expect((await dsctl(['logout'], at(home))).stderr).toBe('Not logged in: no token is saved.\n')
    expect((await dsctl(['list'], at(home))).code).toBe(3)
  })

  test('asks before it revokes a root token, or takes --yes: nobody may have another', async () => {
    const home = temporaryFolder()
    const token = await rootToken()
    writeFileSync(join(home, '.vault-token'), token)
    const known = async () => (await acme.vault.request('GET', 'auth/token/lookup-self', { token })).status
    const unasked = await dsctl(['logout', '-o', 'json'], at(home))
    expect(jsonError(unasked)).toMatchObject({ exit_code: 2, hint: 'Pass --yes.' })
    const screen = terminal(['logout'], at(home))
    await screen.waitFor('Revoke the root token')
    screen.type('n\n')
    expect((await screen.exit).code).toBe(130)
    expect([tokenIn(home), await known()]).toEqual([token, 200])
    expect(await dsctl(['logout', '--yes'], at(home))).toMatchObject({ code: 0 })
    expect([existsSync(join(home, '.vault-token')), await known()]).toEqual([false, 403])
  })

  /** One of the test's own, since it is revoked. */
  async function rootToken(): Promise<string> {
    const made = await acme.vault.request('POST', 'auth/token/create', { body: { policies: ['root'] } })
    return made.body.auth.client_token
  }

  test('removes one that Vault no longer knows, with a warning', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 's.expired')
    const result = await dsctl(['logout'], at(home))
    expect(result.code).toBe(0)
    expect(result.stderr).toContain('warning: Vault did not revoke the token')
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
  })

  test('keeps the token where Vault cannot be reached, so that it can be revoked later', async () => {
    const home = temporaryFolder()
    await dsctl([...userpass, '--password', '-'], at(home, {}, PASSWORD))
    await proxied.vault.down()
    const result = await dsctl(['logout'], at(home))
    await proxied.vault.up()
    expect(result.code).toBe(7)
    expect(tokenIn(home)).not.toBe('')
  })
})

// Each method's request as Vault's API documents it, whatever server there is.
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
    const options = at(home, { VAULT_ADDR: tap.addr }, 'x y')
    expect(await dsctl(['login', '--method', method, ...args, flag, '-'], options)).toMatchObject({ code: 0 })
    tap.close()
    expect(tap.requests.map(({ method, path, body }) => [method, path, JSON.parse(body)])).toEqual([
      ['POST', `/v1/${path}`, body],
    ])
    expect(tokenIn(home)).toBe('s.issued')
  })

  test('kubernetes takes the pod’s own token where none is given', async () => {
    const args = ['login', '--method', 'kubernetes', '--role', 'app', '-o', 'json']
    const error = jsonError(await dsctl(args, at(temporaryFolder())))
    expect(error).toMatchObject({
      exit_code: 2,
      fields: [{ field: 'jwt', message: expect.stringContaining('does not exist') }],
    })
  })

  test('a login that wants a second factor is exit 3', async () => {
    proxied.vault.at(/login/, answerWith(200, { auth: { client_token: '', mfa_requirement: { mfa_request_id: 'x' } } }))
    const result = await dsctl([...userpass, '--password', '-'], at(temporaryFolder(), {}, PASSWORD))
    expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining('second factor') })
  })
})

describe('In a pipeline, VAULT_ROLE_ID and VAULT_SECRET_ID', () => {
  let role: { id: string; secretId: (wrapped?: boolean) => Promise<string> }

  beforeAll(async () => {
    role = VAULT ? await appRole(acme) : inImitation()
  })

  /** Where there is no real AppRole, the proxy answers its login with a token of the admin's. */
  function inImitation() {
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

  test('log each command in, write no file, and leave no token behind', async () => {
    const home = temporaryFolder()
    const result = await dsctl(['whoami', '-o', 'json'], at(home, pipeline(await role.secretId())))
    expect(json(result)).toMatchObject({ user: { email: ADMIN } })
    expect(existsSync(join(home, '.vault-token'))).toBe(false)
    const asked = proxied.vault.exchanges
      .slice(-4)
      .map(({ method, path, status }) => [method, path.split('/')[2], status])
    expect(asked.at(0)).toEqual(['POST', 'login', 200])
    expect(asked.at(-1)).toEqual(['POST', 'revoke-self', 204])
    expectNoSecret(result.stdout, result.stderr)
  })

  test('go before the token of an earlier login, and after VAULT_TOKEN', async () => {
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 's.stale')
    expect((await dsctl(['whoami'], at(home, pipeline(await role.secretId())))).code).toBe(0)
    const both = { ...pipeline('wrong'), VAULT_TOKEN: acme.env.VAULT_TOKEN }
    expect((await dsctl(['whoami'], at(home, both))).code).toBe(0)
  })

  test('refused are exit 3', async () => {
    proxied.vault.at(/auth\/approle\/login/, answerWith(400, { errors: ['invalid role or secret ID'] }))
    const result = await dsctl(['list'], at(temporaryFolder(), pipeline('secret-id-canary-27')))
    expect(result.code).toBe(3)
    expectNoSecret(result.stderr)
  })

  test('may be response-wrapped: good once', async () => {
    const wrapped = VAULT ? await role.secretId(true) : 's.wrapping'
    if (!VAULT) await imitateWrapping()
    expect((await dsctl(['whoami'], at(temporaryFolder(), pipeline(wrapped)))).code).toBe(0)
    await proxied.restore()
    if (!VAULT) proxied.vault.at(/wrapping\/lookup/, answerWith(400, { errors: ['wrapping token is not valid'] }))
    const again = await dsctl(['whoami'], at(temporaryFolder(), pipeline(wrapped)))
    expect(again).toMatchObject({ code: 3, stderr: expect.stringContaining('has already been used') })
  })

  async function imitateWrapping() {
    proxied.vault.at(/wrapping\/lookup/, answerWith(200, { data: { creation_path: 'auth/approle/role/ci/secret-id' } }))
    proxied.vault.at(/wrapping\/unwrap/, answerWith(200, { data: { secret_id: 'secret-id-canary-27' } }))
    await role.secretId()
  }

  test('are refused where what is wrapped is not of that mount: it may have been swapped', async () => {
    proxied.vault.at(/wrapping\/lookup/, answerWith(200, { data: { creation_path: 'sys/wrapping/wrap' } }))
    const result = await dsctl(['whoami'], at(temporaryFolder(), pipeline('s.swapped')))
    expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining('may have replaced it') })
    expect(proxied.vault.exchanges.at(-1)?.path).toBe('sys/wrapping/lookup')
  })
})

describe('VAULT_NAMESPACE', () => {
  test('goes with a login and with every other request', async () => {
    const home = temporaryFolder()
    const tap = await wiretap(acme.vault.addr)
    const env = { VAULT_ADDR: tap.addr, VAULT_NAMESPACE: 'team-a', VAULT_TOKEN: acme.env.VAULT_TOKEN }
    await dsctl([...userpass, '--password', '-'], at(home, env, PASSWORD))
    await dsctl(['whoami'], at(home, env))
    tap.close()
    expect(tap.requests.length).toBeGreaterThan(1)
    expect(new Set(tap.requests.map(({ headers }) => headers['x-vault-namespace']))).toEqual(new Set(['team-a']))
  })
})

if (VAULT) {
  describe('On a real server', () => {
    test('a JWT logs in, and its alias on the jwt mount says who it is', async () => {
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
      expect(await dsctl(args, at(home, { JWT: jwt }))).toMatchObject({ code: 0 })
      expect(json(await dsctl(['whoami', '-o', 'json'], at(home)))).toMatchObject({
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

/** A real AppRole whose entity has the admin's address. */
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
