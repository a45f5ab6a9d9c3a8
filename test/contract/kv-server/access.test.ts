import { describe, expect, test } from 'vitest'
import { DONE, FORBIDDEN, NOT_FOUND, NOT_PERMITTED, onEachServer } from './suite.ts'

onEachServer(suite => {
  describe('tokens', () => {
    test('a missing and an unknown token are refused alike', async () => {
      for (const token of ['', 'unknown'])
        for (const path of [`${suite.mount}/data/x`, 'auth/token/lookup-self', `sys/internal/ui/mounts/${suite.mount}`])
          expect(await suite.vault.request('GET', path, { token })).toEqual(FORBIDDEN)
      const body = { paths: ['x'] }
      expect(await suite.vault.request('POST', 'sys/capabilities-self', { token: 'unknown', body })).toEqual(FORBIDDEN)
    })

    test('the root token looks itself up', async () => {
      const { status, body } = await suite.vault.request('GET', 'auth/token/lookup-self')
      expect(status).toBe(200)
      expect(body.data).toMatchObject({ policies: ['root'], ttl: 0, entity_id: '', expire_time: null, type: 'service' })
    })

    test('a token knows its policies and time left, and expires', async () => {
      const token = await suite.vault.createToken({ ttl: '2s' })
      const { body } = await suite.vault.request('GET', 'auth/token/lookup-self', { token })
      expect(body.data).toMatchObject({ policies: ['default'], entity_id: '', creation_ttl: 2, renewable: true })
      expect(body.data.ttl).toBeLessThanOrEqual(2)
      await expect
        .poll(() => suite.vault.request('GET', 'auth/token/lookup-self', { token }), { timeout: 10_000 })
        .toEqual(FORBIDDEN)
    })

    test('a token without the default policy may not look itself up', async () => {
      const body = { policies: ['none'], no_default_policy: true, ttl: '1h', meta: { email: 'a@example.com' } }
      const made = await suite.vault.request('POST', 'auth/token/create', { body })
      expect(made.body.auth).toMatchObject({ policies: ['none'], lease_duration: 3600, entity_id: '' })
      const token = made.body.auth.client_token
      expect(await suite.vault.request('GET', 'auth/token/lookup-self', { token })).toEqual(NOT_PERMITTED)
    })

    test('a revoked token is refused, with its children', async () => {
      const creator = await suite.vault.createPolicy(
        'creator',
        'path "auth/token/create" { capabilities = ["update"] }',
      )
      const token = await suite.vault.createToken({ policies: [creator] })
      const child = await suite.vault.request('POST', 'auth/token/create', { token, body: { policies: [creator] } })
      expect(child.status).toBe(200)
      expect(await suite.vault.request('POST', 'auth/token/revoke-self', { token })).toEqual(DONE)
      for (const gone of [token, child.body.auth.client_token])
        await expect
          .poll(() => suite.vault.request('GET', 'auth/token/lookup-self', { token: gone }), { timeout: 10_000 })
          .toEqual(FORBIDDEN)
    })
  })

  describe('identity', () => {
    test('a logged-in user may read their entity with the e-mail address', async () => {
      const token = await suite.vault.userToken({ email: 'Ann@example.com', ttl: '10m' })
      const self = (await suite.vault.request('GET', 'auth/token/lookup-self', { token })).body.data
      expect(self).toMatchObject({ policies: ['default'], creation_ttl: 600 })
      const { status, body } = await suite.vault.request('GET', `identity/entity/id/${self.entity_id}`, { token })
      expect(status).toBe(200)
      expect(body.data).toMatchObject({ id: self.entity_id, metadata: { email: 'Ann@example.com' }, disabled: false })
      expect(body.data.aliases).toMatchObject([{ mount_type: 'userpass', metadata: null, name: self.meta.username }])
    })

    test('another entity is not permitted, a missing one is not found', async () => {
      const path = 'identity/entity/id/00000000-0000-4000-8000-000000000000'
      const token = await suite.vault.userToken({ email: 'ann@example.com' })
      expect(await suite.vault.request('GET', path, { token })).toEqual(NOT_PERMITTED)
      expect(await suite.vault.request('GET', path)).toEqual(NOT_FOUND)
    })

    test('a child token has the entity of its parent', async () => {
      const creator = await suite.vault.createPolicy(
        'creator',
        'path "auth/token/create" { capabilities = ["update"] }',
      )
      const token = await suite.vault.userToken({ email: 'ann@example.com', policies: [creator] })
      const entity = (await suite.vault.request('GET', 'auth/token/lookup-self', { token })).body.data.entity_id
      const body = { policies: [creator], meta: { email: 'mallory@example.com' }, display_name: 'mallory' }
      const child = await suite.vault.request('POST', 'auth/token/create', { token, body })
      expect(child.body.auth.entity_id).toBe(entity)
      const more = await suite.vault.request('POST', 'auth/token/create', { token, body: { policies: ['other'] } })
      expect(more).toEqual({ status: 400, body: { errors: ['child policies must be subset of parent'] } })
    })

    test('a wrong password and an unknown user are the same', async () => {
      await suite.vault.userToken({ email: 'ann@example.com' })
      const refused = { status: 400, body: { errors: ['invalid username or password'] } }
      const body = { password: 'wrong' }
      expect(await suite.vault.request('POST', 'auth/userpass/login/nobody', { token: '', body })).toEqual(refused)
    })

    test('an entity can be given other metadata', async () => {
      const token = await suite.vault.userToken({
        email: 'a@example.com',
        metadata: { email: 'a@example.com', team: 'x' },
      })
      const id = (await suite.vault.request('GET', 'auth/token/lookup-self', { token })).body.data.entity_id
      const body = { metadata: { email: 'b@example.com' } }
      expect((await suite.vault.request('POST', `identity/entity/id/${id}`, { body })).status).toBeLessThan(300)
      const seen = await suite.vault.request('GET', `identity/entity/id/${id}`, { token })
      expect(seen.body.data.metadata).toEqual({ email: 'b@example.com' })
    })
  })

  describe('policies', () => {
    const hcl = () => `
      # May write secrets and remove them, not read them.
      path "${suite.mount}/data/team/*" { capabilities = ["create", "update"] }
      path "${suite.mount}/metadata/team/*" {
        capabilities = ["list", "delete"]
      }
      path "${suite.mount}/data/team/+/open" { capabilities = ["read"] }
      path "${suite.mount}/data/team/closed" { capabilities = ["deny"] }`

    test('the most specific rule of a policy decides', async () => {
      const token = await suite.vault.createToken({ policies: [await suite.vault.createPolicy('team', hcl())] })
      const status = async (method: string, path: string, body?: unknown) =>
        (await suite.vault.request(method, `${suite.mount}/${path}`, { token, body })).status
      expect(await status('POST', 'data/team/a', { data: {} })).toBe(200)
      expect(await status('GET', 'data/team/a')).toBe(403)
      expect(await status('GET', 'metadata/team/a')).toBe(403)
      expect(await status('GET', 'metadata/team?list=true')).toBe(200)
      expect(await status('GET', 'data/team/x/open')).toBe(404)
      expect(await status('POST', 'data/team/closed', { data: {} })).toBe(403)
      expect(await status('DELETE', 'metadata/team/a')).toBe(204)
      expect(await suite.vault.request('GET', `${suite.mount}/data/other`, { token })).toEqual(NOT_PERMITTED)
    })

    test('create without update may write only a new secret', async () => {
      const policy = await suite.vault.createPolicy(
        'once',
        `path "${suite.mount}/data/once/*" { capabilities = ["create"] }`,
      )
      const token = await suite.vault.createToken({ policies: [policy] })
      const send = () => suite.vault.request('POST', `${suite.mount}/data/once/a`, { token, body: { data: {} } })
      expect((await send()).status).toBe(200)
      expect(await send()).toEqual(NOT_PERMITTED)
    })

    test('capabilities-self returns the capabilities of a token', async () => {
      const token = await suite.vault.createToken({ policies: [await suite.vault.createPolicy('team', hcl())] })
      const capabilities = async (body: unknown, as = token) =>
        (await suite.vault.request('POST', 'sys/capabilities-self', { token: as, body })).body.data
      const [data, meta, closed] = [
        `${suite.mount}/data/team/x`,
        `${suite.mount}/metadata/team/x`,
        `${suite.mount}/data/team/closed`,
      ]
      expect(await capabilities({ paths: [data, meta, closed, 'other'] })).toEqual({
        [data]: ['create', 'update'],
        [meta]: ['delete', 'list'],
        [closed]: ['deny'],
        other: ['deny'],
      })
      expect(await capabilities({ paths: [data] })).toMatchObject({ [data]: ['create', 'update'] })
      expect(await capabilities({ paths: [data] }, suite.vault.rootToken)).toMatchObject({ [data]: ['root'] })
    })
  })

  describe('the system', () => {
    test('a mount is found from any path in it', async () => {
      for (const path of [suite.mount, `${suite.mount}/`, `${suite.mount}/data/x`]) {
        const { status, body } = await suite.vault.request('GET', `sys/internal/ui/mounts/${path}`)
        expect(status).toBe(200)
        expect(body.data).toMatchObject({ path: `${suite.mount}/`, type: 'kv', options: { version: '2' } })
      }
    })

    test('a mount is visible only to a token with access to it', async () => {
      const policy = await suite.vault.createPolicy('in', `path "${suite.mount}/data/*" { capabilities = ["read"] }`)
      const [inside, outside] = [
        await suite.vault.createToken({ policies: [policy] }),
        await suite.vault.createToken({}),
      ]
      const status = async (path: string, token: string) =>
        (await suite.vault.request('GET', `sys/internal/ui/mounts/${path}`, { token })).status
      expect(await status(suite.mount, inside)).toBe(200)
      expect(await status(suite.mount, outside)).toBe(403)
      expect(await status('no-such-mount', inside)).toBe(403)
      expect(await status('no-such-mount', suite.vault.rootToken)).toBe(403)
    })

    test('mounts are listed by their path', async () => {
      const { body } = await suite.vault.request('GET', 'sys/mounts')
      expect(body.data[`${suite.mount}/`]).toMatchObject({ type: 'kv', options: { version: '2' } })
      expect((await suite.vault.request('POST', `sys/mounts/${suite.mount}`, { body: { type: 'kv' } })).status).toBe(
        400,
      )
    })

    test('health and seal status need no token', async () => {
      const health = await suite.vault.request('GET', 'sys/health', { token: '' })
      expect(health).toMatchObject({ status: 200, body: { initialized: true, sealed: false, standby: false } })
      const seal = await suite.vault.request('GET', 'sys/seal-status', { token: '' })
      expect(seal).toMatchObject({ status: 200, body: { initialized: true, sealed: false } })
    })
  })
})
