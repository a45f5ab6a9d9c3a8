import { describe, expect, test } from 'vitest'
import { kvServer } from '../../support/kv-server.ts'
import { vaultOn } from '../../support/vault.ts'
import { DONE, MISMATCH, NOT_FOUND, onEachServer } from './suite.ts'

onEachServer(suite => {
  let unique = 0
  const fresh = () => `data-sources/${++unique}`
  const write = (path: string, data: unknown, cas?: number) =>
    suite.vault.request('POST', `${suite.mount}/data/${path}`, {
      body: { data, ...(cas !== undefined && { options: { cas } }) },
    })
  const read = (path: string, version?: number) =>
    suite.vault.request('GET', `${suite.mount}/data/${path}${version === undefined ? '' : `?version=${version}`}`)
  const metadata = (path: string) => suite.vault.request('GET', `${suite.mount}/metadata/${path}`)
  const remove = (path: string) => suite.vault.request('DELETE', `${suite.mount}/metadata/${path}`)
  const change = (verb: string, path: string, versions: number[]) =>
    suite.vault.request('POST', `${suite.mount}/${verb}/${path}`, { body: { versions } })

  test('paths outside the API are not found, with and without a token', async () => {
    for (const headers of [{}, { 'X-Vault-Token': suite.vault.rootToken }]) {
      const answer = await fetch(`${suite.vault.addr}/elsewhere/v1/auth/token/lookup-self`, { headers })
      expect({ status: answer.status, body: await answer.json() }).toEqual(NOT_FOUND)
    }
  })

  describe('KV version 2', () => {
    test('a secret that was never written is not found', async () => {
      expect(await read('none')).toEqual(NOT_FOUND)
      expect(await read('none', 1)).toEqual(NOT_FOUND)
      expect(await metadata('none')).toEqual(NOT_FOUND)
      expect(await suite.vault.request('GET', `${suite.mount}/metadata/none?list=true`)).toEqual(NOT_FOUND)
    })

    test('a write makes the next version and returns its number', async () => {
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
      const send = (body: unknown) => suite.vault.request('POST', `${suite.mount}/data/malformed`, { body })
      expect(await send({ other: {} })).toEqual({ status: 400, body: { errors: ['no data provided'] } })
      expect(await send({ data: {}, options: { cas: 'x' } })).toEqual({
        status: 400,
        body: { errors: ['error parsing check-and-set parameter'] },
      })
      expect((await send('{bad')).status).toBe(400)
      expect((await suite.vault.request('GET', `${suite.mount}/data/malformed?version=x`)).status).toBe(400)
    })

    test('an empty object is data like any other', async () => {
      const path = fresh()
      await write(path, {}, 0)
      expect((await read(path)).body.data.data).toEqual({})
    })

    test('a soft-deleted version is a 404 with its number', async () => {
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
      expect(await suite.vault.request('DELETE', `${suite.mount}/data/${path}`)).toEqual(DONE)
      expect(await read(path)).toMatchObject({ status: 404, body: { data: { data: null, metadata: { version: 1 } } } })
      expect(await suite.vault.request('DELETE', `${suite.mount}/data/none`)).toEqual(DONE)
    })

    test('soft-deleting a missing secret succeeds, without versions it fails', async () => {
      expect(await change('delete', 'none', [1])).toEqual(DONE)
      const refused = { status: 400, body: { errors: ['No version number provided'] } }
      expect(await change('delete', 'none', [])).toEqual(refused)
    })

    test('a destroyed version is marked and has no data', async () => {
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

    test('deleting the metadata removes all versions', async () => {
      const path = fresh()
      await write(path, { a: 1 })
      await write(path, { a: 2 })
      expect(await remove(path)).toEqual(DONE)
      expect(await remove(path)).toEqual(DONE)
      expect(await read(path)).toEqual(NOT_FOUND)
      expect(await metadata(path)).toEqual(NOT_FOUND)
      expect((await write(path, { a: 3 }, 0)).body.data.version).toBe(1)
    })

    test('metadata has the current version and the state of each', async () => {
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

    test('metadata without versions has version 0 and no data', async () => {
      const path = fresh()
      const body = { max_versions: 3, custom_metadata: { owner: 'x' } }
      expect(await suite.vault.request('POST', `${suite.mount}/metadata/${path}`, { body })).toEqual(DONE)
      expect(await read(path)).toEqual(NOT_FOUND)
      expect((await metadata(path)).body.data).toMatchObject({ current_version: 0, max_versions: 3, versions: {} })
      expect((await write(path, { a: 1 }, 0)).body.data).toMatchObject({ version: 1, custom_metadata: { owner: 'x' } })
    })

    test('ten versions are kept unless the key or mount configures another number', async () => {
      const [ten, two, mounted] = [fresh(), fresh(), fresh()]
      for (let i = 1; i <= 11; i++) await write(ten, { i })
      expect(await read(ten, 1)).toEqual(NOT_FOUND)
      expect((await read(ten, 2)).body.data.data).toEqual({ i: 2 })
      expect((await metadata(ten)).body.data).toMatchObject({ current_version: 11, oldest_version: 2 })
      await suite.vault.request('POST', `${suite.mount}/metadata/${two}`, { body: { max_versions: 2 } })
      for (let i = 1; i <= 3; i++) await write(two, { i })
      expect((await read(two, 1)).status).toBe(404)
      expect((await read(two, 2)).status).toBe(200)
      expect(await suite.vault.request('POST', `${suite.mount}/config`, { body: { max_versions: 1 } })).toEqual(DONE)
      expect((await suite.vault.request('GET', `${suite.mount}/config`)).body.data).toMatchObject({ max_versions: 1 })
      for (let i = 1; i <= 2; i++) await write(mounted, { i })
      expect((await read(mounted, 1)).status).toBe(404)
      await suite.vault.request('POST', `${suite.mount}/config`, { body: { max_versions: 0 } })
    })

    test('a list names keys, and folders with a slash', async () => {
      await write('folder/b', {})
      await write('folder/a', {})
      await write('folder/sub/c', {})
      for (const folder of ['folder', 'folder/']) {
        const { status, body } = await suite.vault.request('GET', `${suite.mount}/metadata/${folder}?list=true`)
        expect({ status, keys: body.data.keys }).toEqual({ status: 200, keys: ['a', 'b', 'sub/'] })
      }
    })

    test('a key with every version deleted is still listed', async () => {
      await write('deleted/a', {})
      await change('delete', 'deleted/a', [1])
      expect((await suite.vault.request('GET', `${suite.mount}/metadata/deleted?list=true`)).body.data.keys).toEqual([
        'a',
      ])
    })

    test('a path outside every mount has no route', async () => {
      expect(await suite.vault.request('GET', 'no-such-mount/data/x')).toEqual({
        status: 404,
        body: { errors: ['no handler for route "no-such-mount/data/x". route entry not found.'] },
      })
    })
  })

  test('a KV version 1 mount takes each path as a key', async () => {
    const kv1 = `${suite.mount}-kv1`
    expect(await suite.vault.request('POST', `sys/mounts/${kv1}`, { body: { type: 'kv' } })).toEqual(DONE)
    expect(await suite.vault.request('GET', `${kv1}/data/x`)).toEqual(NOT_FOUND)
    const body = { options: { cas: 0 }, data: { a: 1 } }
    expect(await suite.vault.request('POST', `${kv1}/data/x`, { body })).toEqual(DONE)
    expect((await suite.vault.request('GET', `${kv1}/data/x`)).body.data).toEqual(body)
    expect((await suite.vault.request('GET', `${kv1}?list=true`)).body.data.keys).toEqual(['data/'])
    expect(await suite.vault.request('DELETE', `${kv1}/data/x`)).toEqual(DONE)
    expect(await suite.vault.request('DELETE', `sys/mounts/${kv1}`)).toEqual(DONE)
  })
})

test('our KV server answers 501 for everything that it does not implement', async () => {
  const server = await kvServer()
  const vault = await vaultOn(server, 'loud')
  for (const path of ['sys/leases/count', 'auth/approle/role/x', 'identity/group', 'loud/subkeys/x'])
    expect(await vault.request('GET', path)).toMatchObject({ status: 501 })
  server.close()
})
