import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { VAULT } from '../support/configured-servers.ts'
import { type ProxiedSite, proxySite } from '../support/proxied-site.ts'
import { creation } from '../support/requests.ts'
import { json, jsonError, type RunResult, temporaryFolder } from '../support/run.ts'
import { ADMIN, adminPolicy, createSite, type Site } from '../support/site.ts'
import { eventsOf } from '../support/stored.ts'
import { terminal } from '../support/terminal.ts'
import { answerWith } from '../support/vault-proxy.ts'

let acme: Site
let proxied: ProxiedSite
let policy: string
/** A policy that lets a token create child tokens. */
let parentPolicy: string

beforeAll(async () => {
  acme = await createSite()
  proxied = await proxySite(acme)
  policy = await acme.vault.createPolicy('dsctl-admin', adminPolicy(acme.vault.mount))
  parentPolicy = await acme.vault.createPolicy('parents', 'path "auth/token/create" { capabilities = ["update"] }')
})

afterEach(() => proxied.restore())

afterAll(async () => {
  proxied?.close()
  await acme?.drop()
})

/** Runs `dsctl whoami` with a token and without a profile. */
function whoami(token: string, args: readonly string[] = [], env = {}): Promise<RunResult> {
  const options = { home: temporaryFolder(), env: { ...env, VAULT_TOKEN: token } }
  return proxied.dsctl(['whoami', '-o', 'json', ...args], options)
}

async function childOf(token: string, body: object): Promise<string> {
  const answer = await acme.vault.request('POST', 'auth/token/create', { token, body })
  if (answer.status !== 200) throw new Error(`no child token: ${JSON.stringify(answer.body)}`)
  return answer.body.auth.client_token
}

interface Alias {
  readonly type: 'ldap' | 'jwt' | 'oidc' | 'userpass'
  readonly name: string
}

/**
 * Returns the token of a person whose entity has no address, but these aliases. The proxy imitates the aliases without a
 * real server, and those of ldap always, since OpenBao has no such mount.
 */
async function personWith(aliases: readonly Alias[], metadata: Record<string, string> = {}): Promise<string> {
  const token = await acme.vault.userToken({ email: '', metadata, policies: [policy] })
  if (!VAULT || aliases.some(({ type }) => type === 'ldap')) {
    const imitated = aliases.map(({ type, name }) => ({ mount_type: type, name, metadata: null }))
    proxied.vault.at(/identity\/entity\/id/, answerWith(200, { data: { metadata, aliases: imitated } }))
    return token
  }
  const request = (method: string, path: string, body?: object) => acme.vault.request(method, path, { body })
  const self = await acme.vault.request('GET', 'auth/token/lookup-self', { token })
  for (const { type, name } of aliases) {
    const mount = `${type}-${randomUUID().slice(0, 8)}`
    await request('POST', `sys/auth/${mount}`, { type })
    const { accessor } = (await request('GET', 'sys/auth')).body.data[`${mount}/`]
    const alias = { name, canonical_id: self.body.data.entity_id, mount_accessor: accessor }
    const made = await request('POST', 'identity/entity-alias', alias)
    if (made.status >= 300) throw new Error(`no alias: ${JSON.stringify(made.body)}`)
  }
  return token
}

describe('The address', () => {
  test('comes from the entity, even if it has aliases', async () => {
    const token = await personWith([{ type: 'jwt', name: 'somebody@example.com' }], { email: ADMIN })
    expect(json(await whoami(token))).toMatchObject({
      ...{ user: { email: ADMIN }, identity_source: 'metadata of the Vault entity' },
    })
  })

  test.each(['ldap', 'jwt', 'oidc'] as const)(
    'is otherwise the name of a %s alias, if it is an address',
    async type => {
      expect(json(await whoami(await personWith([{ type, name: ADMIN }])))).toMatchObject({
        ...{ user: { email: ADMIN }, identity_source: `name of a Vault ${type} alias` },
      })
      await proxied.restore()
      expect(jsonError(await whoami(await personWith([{ type, name: 'admin' }])))).toMatchObject({ exit_code: 4 })
    },
  )

  test('is never the name of a userpass alias, which its admins choose', async () => {
    const error = jsonError(await whoami(await personWith([{ type: 'userpass', name: ADMIN }])))
    expect(error).toMatchObject({
      ...{ exit_code: 4, message: expect.stringContaining('has no e-mail address') },
      hint: expect.stringMatching(/vault write identity\/entity\/id\/[0-9a-f-]{36} metadata=email=/),
    })
  })

  test('may come from several aliases, unless they differ', async () => {
    const same = [
      { type: 'oidc', name: ADMIN },
      { type: 'jwt', name: ADMIN },
    ] as const
    expect((await whoami(await personWith(same))).code).toBe(0)
    await proxied.restore()
    const error = jsonError(await whoami(await personWith([...same, { type: 'jwt', name: 'eve@example.com' }])))
    expect(error).toMatchObject({
      exit_code: 4,
      message: expect.stringMatching(/admin@example\.com.*eve@example\.com/),
    })
  })

  test('in the metadata of an alias overrides its name', async () => {
    const alias = { mount_type: 'oidc', name: 'other@example.com', metadata: { email: ADMIN } }
    proxied.vault.at(/identity\/entity\/id/, answerWith(200, { data: { metadata: null, aliases: [alias] } }))
    expect(json(await whoami(await acme.vault.userToken({ email: '', metadata: {} })))).toMatchObject({
      ...{ user: { email: ADMIN }, identity_source: 'metadata of a Vault oidc alias' },
    })
  })

  test('may belong to two entities, which are then the same user', async () => {
    const tokens = await Promise.all([1, 2].map(() => acme.vault.userToken({ email: ADMIN, policies: [policy] })))
    for (const token of tokens) expect(json(await whoami(token)).user.id).toBe(acme.admin.id)
  })
})

describe('A child token', () => {
  test('that claims another name is still its parent’s', async () => {
    const viewer = await acme.addPerson({ email: 'vera@example.com', role: 'viewer', policies: [policy, parentPolicy] })
    const child = await childOf(viewer.env.VAULT_TOKEN ?? '', {
      meta: { email: ADMIN, username: ADMIN },
      display_name: ADMIN,
      policies: [policy],
    })
    expect(json(await whoami(child))).toMatchObject({ user: { email: 'vera@example.com' }, role: 'viewer' })
    const { args, stdin } = creation({
      name: 'X',
      env: 'dev',
      type: 'postgres',
      host: 'h',
      username: 'u',
      password: 'p',
    })
    const refused = await proxied.dsctl([...args, '--default-database', 'd'], { stdin, env: { VAULT_TOKEN: child } })
    expect(refused.code).toBe(4)
    const [event] = await eventsOf(acme, `outcome = 'denied' AND actor_email = 'vera@example.com'`)
    expect(event).toMatchObject({ action: 'create' })
  })

  test('without an entity has no user, even if it claims a name', async () => {
    const orphan = await childOf(acme.vault.rootToken, {
      meta: { email: ADMIN },
      display_name: ADMIN,
      policies: [policy],
    })
    expect(jsonError(await whoami(orphan))).toMatchObject({
      ...{ exit_code: 4, hint: expect.stringContaining('has no entity') },
    })
  })

  test('without the default policy exits 3 with both possible reasons', async () => {
    const parent = await acme.vault.userToken({ email: ADMIN, policies: [policy, parentPolicy] })
    const bare = await childOf(parent, { no_default_policy: true, policies: [policy] })
    const error = jsonError(await whoami(bare))
    expect(error).toMatchObject({ exit_code: 3, code: 'unauthenticated' })
    expect(error.message).toMatch(/invalid or has expired.*default policy/)
    const unknown = jsonError(await whoami('s.no-such-token'))
    expect(unknown.message).toBe(error.message)
    expect(unknown.hint).toMatch(/^Set VAULT_TOKEN to a valid token, or unset it and run dsctl login/)
    const home = temporaryFolder()
    writeFileSync(join(home, '.vault-token'), 's.no-such-token')
    const kept = await proxied.dsctl(['whoami', '-o', 'json'], { home, env: { VAULT_TOKEN: '' } })
    expect(jsonError(kept).hint).toMatch(/^Log in again with dsctl login/)
  })

  test('that may not read its entity is an error, not a missing address', async () => {
    const lookUp = await acme.vault.createPolicy('look-up', 'path "auth/token/lookup-self" { capabilities = ["read"] }')
    const parent = await acme.vault.userToken({ email: ADMIN, policies: [lookUp, parentPolicy] })
    const bare = await childOf(parent, { no_default_policy: true, policies: [lookUp] })
    expect(jsonError(await whoami(bare))).toMatchObject({
      ...{ exit_code: 4, message: expect.stringContaining('read its own identity') },
    })
  })
})

describe('--user', () => {
  test('works with a root token, and whoami says so', async () => {
    expect(json(await whoami(acme.vault.rootToken, ['--user', ADMIN])).identity_source).toBe('named by a root token')
    expect(jsonError(await whoami(acme.vault.rootToken))).toMatchObject({
      exit_code: 4,
      hint: expect.stringContaining('--user'),
    })
  })

  test('is refused for other tokens, even for their own address', async () => {
    const token = await acme.vault.userToken({ email: ADMIN, policies: [policy] })
    for (const result of [await whoami(token, ['--user', ADMIN]), await whoami(token, [], { DSCTL_USER: ADMIN })]) {
      expect(jsonError(result)).toMatchObject({ exit_code: 4, message: expect.stringContaining('may not act as') })
    }
  })

  test('works for the addresses in dsctl_act_as, and no others', async () => {
    const metadata = { email: 'bot@example.com', dsctl_act_as: `someone@example.com, ${ADMIN}` }
    const bot = await acme.vault.userToken({ email: '', metadata, policies: [policy] })
    expect(json(await whoami(bot, ['--user', ADMIN]))).toMatchObject({
      ...{ user: { email: ADMIN }, identity_source: 'dsctl_act_as of the Vault entity' },
    })
    for (const other of ['eve@example.com', 'example.com', ADMIN.toUpperCase(), '']) {
      if (other) expect(jsonError(await whoami(bot, ['--user', other])).exit_code).toBe(4)
    }
  })
})

describe('An address is matched', () => {
  const asked = async (email: string) => whoami(await acme.vault.userToken({ email, policies: [policy] }))

  test('exactly first, then ignoring ASCII case', async () => {
    expect(json(await asked('Admin@EXAMPLE.com')).user.email).toBe(ADMIN)
    const upper = await acme.addPerson({ email: 'ANN@example.com', role: 'viewer' })
    const lower = await acme.addPerson({ email: 'ann@example.com', role: 'querier' })
    expect(json(await asked('ann@example.com')).user.id).toBe(lower.id)
    expect(json(await asked('ANN@example.com')).user.id).toBe(upper.id)
    const error = jsonError(await asked('Ann@example.com'))
    expect(error).toMatchObject({ exit_code: 4, message: expect.stringContaining('Several users') })
  })

  test.each([
    ['a Cyrillic а', 'аdmin@example.com'],
    ['a dotted İ', 'admİn@example.com'],
    ['a long ſ as in s', 'ſue@example.com'],
    ['a Kelvin sign as k', '\u212aim@example.com'],
    ['a space before it', ' admin@example.com'],
    ['a wildcard', 'admin@%'],
  ])('to no look-alike: %s', async (_, email) => {
    await acme.addPerson({ email: `sue@example.com`, role: 'viewer' }).catch(() => {})
    await acme.addPerson({ email: `kim@example.com`, role: 'viewer' }).catch(() => {})
    expect(jsonError(await asked(email)).exit_code).toBe(4)
  })

  test('only exactly if it is not ASCII', async () => {
    await acme.addPerson({ email: 'jürgen@example.com', role: 'viewer' })
    expect((await asked('jürgen@example.com')).code).toBe(0)
    expect((await asked('Jürgen@example.com')).code).toBe(4)
  })
})

describe('Failures', () => {
  test('a missing identity engine is an error, not an unknown user', async () => {
    const token = await acme.vault.userToken({ email: ADMIN, policies: [policy] })
    proxied.vault.at(/identity\/entity/, answerWith(404, { errors: ['no handler for route'] }))
    expect(jsonError(await whoami(token))).toMatchObject({ exit_code: 4, message: expect.stringContaining('identity') })
    await proxied.restore()
    proxied.vault.at(/identity\/entity/, answerWith(503, { errors: ['standby'] }))
    expect(jsonError(await whoami(token))).toMatchObject({ exit_code: 7 })
  })

  test('a token that expires during an operation leaves nothing behind', async () => {
    const token = await acme.vault.userToken({ email: ADMIN, policies: [policy] })
    const { args, stdin } = creation({ name: 'Late', env: 'dev', type: 'databricks', host: 'h.example.com' })
    const fields = ['--api-key', 'env:KEY', '--warehouse-id', '1', '--default-catalog', 'main']
    proxied.vault.at(/data\/data-sources/, {
      before: async () => {
        await acme.vault.request('POST', 'auth/token/revoke-self', { token })
        return undefined
      },
    })
    const result = await proxied.dsctl([...args, ...fields], { stdin, env: { VAULT_TOKEN: token, KEY: 'k' } })
    expect(jsonError(result).exit_code).toBe(4)
    expect(await acme.database.query(`SELECT FROM data_sources WHERE name = 'Late'`)).toEqual([])
    expect(await acme.database.query(`SELECT FROM dsctl.pending_operations WHERE state <> 'closed'`)).toEqual([])
  })

  test('a renamed user is known by the new address only', async () => {
    const person = await acme.addPerson({ email: 'old@example.com', role: 'viewer' })
    await acme.database.query(`UPDATE users SET email = 'new@example.com' WHERE id = $1`, [person.id])
    expect((await whoami(person.env.VAULT_TOKEN ?? '')).code).toBe(4)
    const token = await acme.vault.userToken({ email: 'new@example.com', policies: [policy] })
    expect(json(await whoami(token)).user.id).toBe(person.id)
  })

  test('a role revoked while a prompt is open no longer counts', async () => {
    const id = await acme.addDataSource({ name: 'Kept' })
    const person = await acme.addPerson({ email: 'rex@example.com', role: 'data_admin' })
    const screen = terminal(['delete', 'Kept'], { env: { ...acme.env, ...person.env }, home: acme.home })
    await screen.waitFor('Type Kept')
    await acme.database.query(`UPDATE users_to_organizations SET role = 'viewer' WHERE user_id = $1`, [person.id])
    screen.type('Kept\n')
    expect((await screen.exit).code).toBe(4)
    expect(
      await acme.database.query('SELECT FROM data_sources WHERE id = $1 AND deleted_at IS NULL', [id]),
    ).toHaveLength(1)
    expect(await eventsOf(acme, `actor_email = 'rex@example.com'`)).toEqual([
      expect.objectContaining({ action: 'delete', outcome: 'denied' }),
    ])
  })
})
