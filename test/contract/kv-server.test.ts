import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VAULT } from '../support/configured-servers.ts'
import { kvServer } from '../support/kv-server.ts'
import { type ScratchVault, vaultOn } from '../support/vault.ts'

// Raw exchanges, each held against OpenBao itself where that is configured: what dsctl relies on, and no more.
const openbao = VAULT
const servers: { name: string; start: () => Promise<{ addr: string; rootToken: string }> }[] = [
  { name: 'our KV server', start: kvServer },
  ...(openbao ? [{ name: 'OpenBao', start: async () => openbao }] : []),
]

describe.each(servers)('$name', ({ start }) => {
  let vault: ScratchVault
  let mount: string
  let unique = 0
  const NOWHERE = { status: 404, body: { errors: [] } }
  const MISMATCH = { status: 400, body: { errors: ['check-and-set parameter did not match the current version'] } }
  const FORBIDDEN = { status: 403, body: { errors: ['permission denied'] } }
  const NOT_PERMITTED = { status: 403, body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] } }
  const DONE = { status: 204, body: {} }

  beforeAll(async () => {
    vault = await vaultOn(await start(), `dsctl-test-contract-${Date.now()}`)
    mount = vault.mount
  })
  afterAll(() => vault.drop())

  const fresh = () => `data-sources/${++unique}`
  const write = (path: string, data: unknown, cas?: number) =>
    vault.request('POST', `${mount}/data/${path}`, { body: { data, ...(cas !== undefined && { options: { cas } }) } })
  const read = (path: string, version?: number) =>
    vault.request('GET', `${mount}/data/${path}${version === undefined ? '' : `?version=${version}`}`)
  const metadata = (path: string) => vault.request('GET', `${mount}/metadata/${path}`)
  const remove = (path: string) => vault.request('DELETE', `${mount}/metadata/${path}`)
  const change = (verb: string, path: string, versions: number[]) =>
    vault.request('POST', `${mount}/${verb}/${path}`, { body: { versions } })

  test('beside the API there is nothing, with and without a token', async () => {
    for (const headers of [{}, { 'X-Vault-Token': vault.rootToken }]) {
      const answer = await fetch(`${vault.addr}/elsewhere/v1/auth/token/lookup-self`, { headers })
      expect({ status: answer.status, body: await answer.json() }).toEqual(NOWHERE)
    }
  })

  describe('KV version 2', () => {
    test('a secret that was never written is nowhere', async () => {
      expect(await read('none')).toEqual(NOWHERE)
      expect(await read('none', 1)).toEqual(NOWHERE)
      expect(await metadata('none')).toEqual(NOWHERE)
      expect(await vault.request('GET', `${mount}/metadata/none?list=true`)).toEqual(NOWHERE)
    })

    test('a write makes the next version and tells its number', async () => {
      const path = fresh()
      const first = await write(path, { a: 'x', port: 5432, on: true }, 0)
      expect(first).toMatchObject({ status: 200, body: { data: { version: 1, deletion_time: '', destroyed: false } } })
      expect(await write(path, { a: 'y' })).toMatchObject({ status: 200, body: { data: { version: 2 } } })
      expect(await read(path)).toMatchObject({
        status: 200,
        body: { data: { data: { a: 'y' }, metadata: { version: 2, deletion_time: '', destroyed: false } } },
      })
      const base = await read(path, 1)
      expect(base.body.data.data).toEqual({ a: 'x', port: 5432, on: true })
      expect(base.body.data.metadata.version).toBe(1)
    })

    test('check-and-set refuses every version but the current one', async () => {
      const path = fresh()
      expect(await write(path, { a: 1 }, 1)).toEqual(MISMATCH)
      expect((await write(path, { a: 1 }, 0)).status).toBe(200)
      expect(await write(path, { a: 2 }, 0)).toEqual(MISMATCH)
      expect(await write(path, { a: 2 }, 2)).toEqual(MISMATCH)
      expect((await write(path, { a: 2 }, 1)).status).toBe(200)
    })

    test('a malformed write is refused', async () => {
      const send = (body: unknown) => vault.request('POST', `${mount}/data/malformed`, { body })
      expect(await send({ other: {} })).toEqual({ status: 400, body: { errors: ['no data provided'] } })
      expect(await send({ data: {}, options: { cas: 'x' } })).toEqual({
        status: 400,
        body: { errors: ['error parsing check-and-set parameter'] },
      })
      expect((await send('{bad')).status).toBe(400)
      expect((await vault.request('GET', `${mount}/data/malformed?version=x`)).status).toBe(400)
    })

    test('an empty object is data like any other', async () => {
      const path = fresh()
      await write(path, {}, 0)
      expect((await read(path)).body.data.data).toEqual({})
    })

    test('a soft-deleted version is a 404 that still carries its number', async () => {
      const path = fresh()
      await write(path, { a: 1 })
      await write(path, { a: 2 })
      expect(await change('delete', path, [2])).toEqual(DONE)
      const gone = await read(path)
      expect(gone.status).toBe(404)
      expect(gone.body.errors).toBeUndefined()
      expect(gone.body.data).toMatchObject({ data: null, metadata: { version: 2, destroyed: false } })
      expect(gone.body.data.metadata.deletion_time).not.toBe('')
      expect((await read(path, 2)).status).toBe(404)
      expect((await read(path, 1)).body.data.data).toEqual({ a: 1 })
      expect(await write(path, { a: 3 }, 0)).toEqual(MISMATCH)
      expect((await write(path, { a: 3 }, 2)).body.data.version).toBe(3)
      expect(await change('undelete', path, [2])).toEqual(DONE)
      expect((await read(path, 2)).body.data.data).toEqual({ a: 2 })
    })

    test('DELETE of data soft-deletes the current version', async () => {
      const path = fresh()
      await write(path, { a: 1 })
      expect(await vault.request('DELETE', `${mount}/data/${path}`)).toEqual(DONE)
      expect(await read(path)).toMatchObject({ status: 404, body: { data: { data: null, metadata: { version: 1 } } } })
      expect(await vault.request('DELETE', `${mount}/data/none`)).toEqual(DONE)
    })

    test('soft-deleting what is not there is no error, and without versions it is', async () => {
      expect(await change('delete', 'none', [1])).toEqual(DONE)
      const refused = { status: 400, body: { errors: ['No version number provided'] } }
      expect(await change('delete', 'none', [])).toEqual(refused)
    })

    test('a destroyed version says so and has no data', async () => {
      const path = fresh()
      await write(path, { a: 1 })
      expect(await change('destroy', path, [1])).toEqual(DONE)
      const gone = await read(path)
      expect(gone).toMatchObject({
        status: 404,
        body: { data: { data: null, metadata: { version: 1, destroyed: true } } },
      })
      expect((await write(path, { a: 2 }, 1)).body.data.version).toBe(2)
    })

    test('deleting the metadata removes all versions and starts again from none', async () => {
      const path = fresh()
      await write(path, { a: 1 })
      await write(path, { a: 2 })
      expect(await remove(path)).toEqual(DONE)
      expect(await remove(path)).toEqual(DONE)
      expect(await read(path)).toEqual(NOWHERE)
      expect(await metadata(path)).toEqual(NOWHERE)
      expect((await write(path, { a: 3 }, 0)).body.data.version).toBe(1)
    })

    test('metadata tells the current version and the state of each', async () => {
      const path = fresh()
      await write(path, { a: 1 })
      await write(path, { a: 2 })
      await change('delete', path, [1])
      const { status, body } = await metadata(path)
      expect(status).toBe(200)
      expect(body.data).toMatchObject({ current_version: 2, max_versions: 0, oldest_version: 0, custom_metadata: null })
      expect(Object.keys(body.data.versions)).toEqual(['1', '2'])
      expect(body.data.versions['1'].deletion_time).not.toBe('')
      expect(body.data.versions['2']).toMatchObject({ deletion_time: '', destroyed: false })
    })

    test('bare metadata has version 0 and no data', async () => {
      const path = fresh()
      const body = { max_versions: 3, custom_metadata: { owner: 'x' } }
      expect(await vault.request('POST', `${mount}/metadata/${path}`, { body })).toEqual(DONE)
      expect(await read(path)).toEqual(NOWHERE)
      expect((await metadata(path)).body.data).toMatchObject({ current_version: 0, max_versions: 3, versions: {} })
      expect((await write(path, { a: 1 }, 0)).body.data).toMatchObject({ version: 1, custom_metadata: { owner: 'x' } })
    })

    test('ten versions are kept unless more or fewer are configured, on the key or the mount', async () => {
      const [ten, two, mounted] = [fresh(), fresh(), fresh()]
      for (let i = 1; i <= 11; i++) await write(ten, { i })
      expect(await read(ten, 1)).toEqual(NOWHERE)
      expect((await read(ten, 2)).body.data.data).toEqual({ i: 2 })
      expect((await metadata(ten)).body.data).toMatchObject({ current_version: 11, oldest_version: 2 })
      await vault.request('POST', `${mount}/metadata/${two}`, { body: { max_versions: 2 } })
      for (let i = 1; i <= 3; i++) await write(two, { i })
      expect((await read(two, 1)).status).toBe(404)
      expect((await read(two, 2)).status).toBe(200)
      expect(await vault.request('POST', `${mount}/config`, { body: { max_versions: 1 } })).toEqual(DONE)
      expect((await vault.request('GET', `${mount}/config`)).body.data).toMatchObject({ max_versions: 1 })
      for (let i = 1; i <= 2; i++) await write(mounted, { i })
      expect((await read(mounted, 1)).status).toBe(404)
      await vault.request('POST', `${mount}/config`, { body: { max_versions: 0 } })
    })

    test('a list names keys, and folders with a slash', async () => {
      await write('folder/b', {})
      await write('folder/a', {})
      await write('folder/sub/c', {})
      for (const folder of ['folder', 'folder/']) {
        const { status, body } = await vault.request('GET', `${mount}/metadata/${folder}?list=true`)
        expect({ status, keys: body.data.keys }).toEqual({ status: 200, keys: ['a', 'b', 'sub/'] })
      }
    })

    test('a key with every version deleted is still listed', async () => {
      await write('deleted/a', {})
      await change('delete', 'deleted/a', [1])
      expect((await vault.request('GET', `${mount}/metadata/deleted?list=true`)).body.data.keys).toEqual(['a'])
    })

    test('a path outside every mount has no route', async () => {
      expect(await vault.request('GET', 'no-such-mount/data/x')).toEqual({
        status: 404,
        body: { errors: ['no handler for route "no-such-mount/data/x". route entry not found.'] },
      })
    })
  })

  test('a KV version 1 mount takes each path as a key', async () => {
    const kv1 = `${mount}-kv1`
    expect(await vault.request('POST', `sys/mounts/${kv1}`, { body: { type: 'kv' } })).toEqual(DONE)
    expect(await vault.request('GET', `${kv1}/data/x`)).toEqual(NOWHERE)
    const body = { options: { cas: 0 }, data: { a: 1 } }
    expect(await vault.request('POST', `${kv1}/data/x`, { body })).toEqual(DONE)
    expect((await vault.request('GET', `${kv1}/data/x`)).body.data).toEqual(body)
    expect((await vault.request('GET', `${kv1}?list=true`)).body.data.keys).toEqual(['data/'])
    expect(await vault.request('DELETE', `${kv1}/data/x`)).toEqual(DONE)
    expect(await vault.request('DELETE', `sys/mounts/${kv1}`)).toEqual(DONE)
  })

  describe('tokens', () => {
    test('no token and an unknown one are refused alike', async () => {
      for (const token of ['', 'unknown'])
        for (const path of [`${mount}/data/x`, 'auth/token/lookup-self', `sys/internal/ui/mounts/${mount}`])
          expect(await vault.request('GET', path, { token })).toEqual(FORBIDDEN)
      const body = { paths: ['x'] }
      expect(await vault.request('POST', 'sys/capabilities-self', { token: 'unknown', body })).toEqual(FORBIDDEN)
    })

    test('the root token looks itself up', async () => {
      const { status, body } = await vault.request('GET', 'auth/token/lookup-self')
      expect(status).toBe(200)
      expect(body.data).toMatchObject({ policies: ['root'], ttl: 0, entity_id: '', expire_time: null, type: 'service' })
    })

    test('a token knows its policies and time left, and expires', async () => {
      const token = await vault.createToken({ ttl: '2s' })
      const { body } = await vault.request('GET', 'auth/token/lookup-self', { token })
      expect(body.data).toMatchObject({ policies: ['default'], entity_id: '', creation_ttl: 2, renewable: true })
      expect(body.data.ttl).toBeLessThanOrEqual(2)
      await expect
        .poll(() => vault.request('GET', 'auth/token/lookup-self', { token }), { timeout: 10_000 })
        .toEqual(FORBIDDEN)
    })

    test('a token without the default policy may not look itself up', async () => {
      const body = { policies: ['none'], no_default_policy: true, ttl: '1h', meta: { email: 'a@example.com' } }
      const made = await vault.request('POST', 'auth/token/create', { body })
      expect(made.body.auth).toMatchObject({ policies: ['none'], lease_duration: 3600, entity_id: '' })
      const token = made.body.auth.client_token
      expect(await vault.request('GET', 'auth/token/lookup-self', { token })).toEqual(NOT_PERMITTED)
    })

    test('a revoked token is refused, with its children', async () => {
      const creator = await vault.createPolicy('creator', 'path "auth/token/create" { capabilities = ["update"] }')
      const token = await vault.createToken({ policies: [creator] })
      const child = await vault.request('POST', 'auth/token/create', { token, body: { policies: [creator] } })
      expect(child.status).toBe(200)
      expect(await vault.request('POST', 'auth/token/revoke-self', { token })).toEqual(DONE)
      for (const gone of [token, child.body.auth.client_token])
        await expect
          .poll(() => vault.request('GET', 'auth/token/lookup-self', { token: gone }), { timeout: 10_000 })
          .toEqual(FORBIDDEN)
    })
  })

  describe('identity', () => {
    test('a person who logged in has an entity with the e-mail address, which they may read', async () => {
      const token = await vault.userToken({ email: 'Ann@example.com', ttl: '10m' })
      const self = (await vault.request('GET', 'auth/token/lookup-self', { token })).body.data
      expect(self).toMatchObject({ policies: ['default'], creation_ttl: 600 })
      const { status, body } = await vault.request('GET', `identity/entity/id/${self.entity_id}`, { token })
      expect(status).toBe(200)
      expect(body.data).toMatchObject({ id: self.entity_id, metadata: { email: 'Ann@example.com' }, disabled: false })
      expect(body.data.aliases).toMatchObject([{ mount_type: 'userpass', metadata: null, name: self.meta.username }])
    })

    test('an entity of another is not permitted, and one that does not exist is nowhere', async () => {
      const path = 'identity/entity/id/00000000-0000-4000-8000-000000000000'
      const token = await vault.userToken({ email: 'ann@example.com' })
      expect(await vault.request('GET', path, { token })).toEqual(NOT_PERMITTED)
      expect(await vault.request('GET', path)).toEqual(NOWHERE)
    })

    test('a child token has the entity of its parent', async () => {
      const creator = await vault.createPolicy('creator', 'path "auth/token/create" { capabilities = ["update"] }')
      const token = await vault.userToken({ email: 'ann@example.com', policies: [creator] })
      const entity = (await vault.request('GET', 'auth/token/lookup-self', { token })).body.data.entity_id
      const body = { policies: [creator], meta: { email: 'mallory@example.com' }, display_name: 'mallory' }
      const child = await vault.request('POST', 'auth/token/create', { token, body })
      expect(child.body.auth.entity_id).toBe(entity)
      const more = await vault.request('POST', 'auth/token/create', { token, body: { policies: ['other'] } })
      expect(more).toEqual({ status: 400, body: { errors: ['child policies must be subset of parent'] } })
    })

    test('a wrong password and an unknown user are the same', async () => {
      await vault.userToken({ email: 'ann@example.com' })
      const refused = { status: 400, body: { errors: ['invalid username or password'] } }
      const body = { password: 'wrong' }
      expect(await vault.request('POST', 'auth/userpass/login/nobody', { token: '', body })).toEqual(refused)
    })

    test('an entity can be given other metadata', async () => {
      const token = await vault.userToken({ email: 'a@example.com', metadata: { email: 'a@example.com', team: 'x' } })
      const id = (await vault.request('GET', 'auth/token/lookup-self', { token })).body.data.entity_id
      const body = { metadata: { email: 'b@example.com' } }
      expect((await vault.request('POST', `identity/entity/id/${id}`, { body })).status).toBeLessThan(300)
      const seen = await vault.request('GET', `identity/entity/id/${id}`, { token })
      expect(seen.body.data.metadata).toEqual({ email: 'b@example.com' })
    })
  })

  describe('policies', () => {
    const hcl = () => `
      # May write secrets and remove them, not read them.
      path "${mount}/data/team/*" { capabilities = ["create", "update"] }
      path "${mount}/metadata/team/*" {
        capabilities = ["list", "delete"]
      }
      path "${mount}/data/team/+/open" { capabilities = ["read"] }
      path "${mount}/data/team/closed" { capabilities = ["deny"] }`

    test('a token may do what the most specific rule says, and nothing else', async () => {
      const token = await vault.createToken({ policies: [await vault.createPolicy('team', hcl())] })
      const status = async (method: string, path: string, body?: unknown) =>
        (await vault.request(method, `${mount}/${path}`, { token, body })).status
      expect(await status('POST', 'data/team/a', { data: {} })).toBe(200)
      expect(await status('GET', 'data/team/a')).toBe(403)
      expect(await status('GET', 'metadata/team/a')).toBe(403)
      expect(await status('GET', 'metadata/team?list=true')).toBe(200)
      expect(await status('GET', 'data/team/x/open')).toBe(404)
      expect(await status('POST', 'data/team/closed', { data: {} })).toBe(403)
      expect(await status('DELETE', 'metadata/team/a')).toBe(204)
      expect(await vault.request('GET', `${mount}/data/other`, { token })).toEqual(NOT_PERMITTED)
    })

    test('create without update may write only what is not there', async () => {
      const policy = await vault.createPolicy('once', `path "${mount}/data/once/*" { capabilities = ["create"] }`)
      const token = await vault.createToken({ policies: [policy] })
      const send = () => vault.request('POST', `${mount}/data/once/a`, { token, body: { data: {} } })
      expect((await send()).status).toBe(200)
      expect(await send()).toEqual(NOT_PERMITTED)
    })

    test('capabilities-self tells what a token may do', async () => {
      const token = await vault.createToken({ policies: [await vault.createPolicy('team', hcl())] })
      const tell = async (body: unknown, as = token) =>
        (await vault.request('POST', 'sys/capabilities-self', { token: as, body })).body.data
      const [data, meta, closed] = [`${mount}/data/team/x`, `${mount}/metadata/team/x`, `${mount}/data/team/closed`]
      expect(await tell({ paths: [data, meta, closed, 'other'] })).toEqual({
        [data]: ['create', 'update'],
        [meta]: ['delete', 'list'],
        [closed]: ['deny'],
        other: ['deny'],
      })
      expect(await tell({ paths: [data] })).toMatchObject({ [data]: ['create', 'update'] })
      expect(await tell({ paths: [data] }, vault.rootToken)).toMatchObject({ [data]: ['root'] })
    })
  })

  describe('the system', () => {
    test('a mount is found from any path in it', async () => {
      for (const path of [mount, `${mount}/`, `${mount}/data/x`]) {
        const { status, body } = await vault.request('GET', `sys/internal/ui/mounts/${path}`)
        expect(status).toBe(200)
        expect(body.data).toMatchObject({ path: `${mount}/`, type: 'kv', options: { version: '2' } })
      }
    })

    test('a mount is told only to a token that may reach into it, and one that is not there to nobody', async () => {
      const policy = await vault.createPolicy('in', `path "${mount}/data/*" { capabilities = ["read"] }`)
      const [inside, outside] = [await vault.createToken({ policies: [policy] }), await vault.createToken({})]
      const status = async (path: string, token: string) =>
        (await vault.request('GET', `sys/internal/ui/mounts/${path}`, { token })).status
      expect(await status(mount, inside)).toBe(200)
      expect(await status(mount, outside)).toBe(403)
      expect(await status('no-such-mount', inside)).toBe(403)
      expect(await status('no-such-mount', vault.rootToken)).toBe(403)
    })

    test('mounts are listed by their path', async () => {
      const { body } = await vault.request('GET', 'sys/mounts')
      expect(body.data[`${mount}/`]).toMatchObject({ type: 'kv', options: { version: '2' } })
      expect((await vault.request('POST', `sys/mounts/${mount}`, { body: { type: 'kv' } })).status).toBe(400)
    })

    test('health and seal status need no token', async () => {
      const health = await vault.request('GET', 'sys/health', { token: '' })
      expect(health).toMatchObject({ status: 200, body: { initialized: true, sealed: false, standby: false } })
      const seal = await vault.request('GET', 'sys/seal-status', { token: '' })
      expect(seal).toMatchObject({ status: 200, body: { initialized: true, sealed: false } })
    })
  })
})

test('our KV server says loudly what it does not implement', async () => {
  const server = await kvServer()
  const vault = await vaultOn(server, 'loud')
  for (const path of ['sys/leases/count', 'auth/approle/role/x', 'identity/group', 'loud/subkeys/x'])
    expect(await vault.request('GET', path)).toMatchObject({ status: 501 })
  server.close()
})
