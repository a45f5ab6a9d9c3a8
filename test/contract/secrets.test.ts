import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openHome } from '../../src/embedded/home.ts'
import { ageSecrets } from '../../src/embedded/secrets.ts'
import type { SecretLocation, Secrets } from '../../src/ports/secrets.ts'
import { vaultClient } from '../../src/vault/client.ts'
import { vaultSecrets } from '../../src/vault/secrets.ts'
import { temporaryFolder } from '../support/run.ts'
import { scratchVault } from '../support/servers.ts'
import { adminPolicy } from '../support/site.ts'
import type { ScratchVault } from '../support/vault.ts'
import { memorySecretsFixture } from './memory/memory-secrets-fixture.ts'
import {
  type LookUpFixture,
  lookUpContract,
  newLocation,
  revealed,
  type SecretsFixture,
  sealed,
  secretsContract,
} from './secrets.ts'

secretsContract('memory', memorySecretsFixture)
secretsContract('Vault', vaultSecretsFixture)
secretsContract('age files', ageSecretsFixture)
lookUpContract('memory', memorySecretsFixture)
lookUpContract('Vault', vaultSecretsFixture)

async function vaultSecretsFixture(): Promise<LookUpFixture> {
  const kept = 3
  const vault = await scratchVault()
  await vault.request('POST', `${vault.mount}/config`, { body: { max_versions: kept } })
  const { secrets, close } = secretsOn(vault, {})
  return {
    secrets,
    kept,
    async addOther(data) {
      const path = `other/${randomUUID()}`
      await vault.writeSecret(path, { ...data })
      return `${vault.mount}/${path}`
    },
    async drop() {
      close()
      await vault.drop()
    },
  }
}

async function ageSecretsFixture(): Promise<SecretsFixture> {
  const secrets = ageSecrets(openHome(temporaryFolder(), process.getuid?.()))
  return { secrets: serializeWrites(secrets), kept: 10, drop: async () => {} }
}

// One process at a time uses the home folder and writes one secret after another. The concurrent writes of the contract
// have to wait for each other.
function serializeWrites(secrets: Secrets): Secrets {
  let last: Promise<unknown> = Promise.resolve()
  const write: Secrets['write'] = (at, data, cas) => {
    const written = last.then(() => secrets.write(at, data, cas))
    last = written
    return written
  }
  return { ...secrets, write }
}

interface ClientOptions {
  readonly token?: string
  readonly mount?: string
  readonly path?: string
}

function secretsOn(
  vault: ScratchVault,
  { token = vault.rootToken, mount = vault.mount, path = 'data-sources/{id}' }: ClientOptions,
) {
  const backend = { timeoutMs: 30_000, trace: () => {} }
  const client = vaultClient({ addr: vault.addr, token, namespace: undefined }, backend)
  return { secrets: vaultSecrets({ client, mount, path }), close: client.close }
}

describe('the secrets in Vault, which others change too', () => {
  let vault: ScratchVault
  let secrets: Secrets
  let at: SecretLocation
  const closing: (() => void)[] = []

  const on = (options: ClientOptions) => {
    const { secrets, close } = secretsOn(vault, options)
    closing.push(close)
    return secrets
  }
  const pathOf = ({ secretId }: SecretLocation) => `data-sources/${secretId}`
  const others = (verb: string, versions: number[]) =>
    vault.request('POST', `${vault.mount}/${verb}/${pathOf(at)}`, { body: { versions } })
  const read = async () => {
    const { version, data } = await secrets.read(at)
    return { version, data: revealed(data) }
  }
  const failure = (call: () => Promise<unknown>) =>
    call().then(
      () => 'no failure',
      (error: unknown) => error,
    )

  beforeAll(async () => {
    vault = await scratchVault()
    secrets = on({})
  })
  afterAll(async () => {
    for (const close of closing) close()
    await vault?.drop()
  })
  beforeEach(() => {
    at = newLocation()
  })

  test('a secret is a JSON object at the path of its id', async () => {
    await secrets.write(at, sealed({ type: 'postgres', port: 5432 }), 0)
    expect(await vault.readSecret(pathOf(at))).toEqual({ version: 1, data: { type: 'postgres', port: 5432 } })
  })

  test('the path may contain the organization', async () => {
    const inOrganization = on({ path: 'orgs/{organization_id}/{id}' })
    await inOrganization.write(at, sealed({ n: 1 }), 0)
    expect(await vault.readSecret(`orgs/${at.organizationId}/${at.secretId}`)).toMatchObject({ data: { n: 1 } })
    expect(await inOrganization.read({ ...newLocation(), secretId: at.secretId })).toEqual({ version: 0, data: null })
  })

  test('a write by others increments the version', async () => {
    await secrets.write(at, sealed({ n: 1 }), 0)
    await vault.writeSecret(pathOf(at), { n: 2 })
    expect(await read()).toEqual({ version: 2, data: { n: 2 } })
    expect(await secrets.write(at, sealed({ n: 3 }), 1)).toBe('conflict')
  })

  test('a version that others soft-delete has no data until they undelete it', async () => {
    await secrets.write(at, sealed({ n: 1 }), 0)
    await vault.request('DELETE', `${vault.mount}/data/${pathOf(at)}`)
    expect(await read()).toEqual({ version: 1, data: null })
    expect(await secrets.readVersion(at, 1)).toBe(null)
    await others('undelete', [1])
    expect(await read()).toEqual({ version: 1, data: { n: 1 } })
  })

  test('a version that others destroy is gone, but its number counts', async () => {
    await secrets.write(at, sealed({ n: 1 }), 0)
    await secrets.write(at, sealed({ n: 2 }), 1)
    await others('destroy', [1, 2])
    expect(await secrets.readVersion(at, 1)).toBe('gone')
    expect(await secrets.readVersion(at, 2)).toBe('gone')
    expect(await read()).toEqual({ version: 2, data: null })
    expect(await secrets.write(at, sealed({ n: 3 }), 2)).toBe('ok')
  })

  test('every call names a mount that does not exist', async () => {
    const nowhere = on({ mount: 'no-such-mount' })
    const calls = [
      () => nowhere.read(at),
      () => nowhere.write(at, sealed({ password: 'hunter2' }), 0),
      () => nowhere.remove(at),
      () => nowhere.softDelete(at, 1),
      () => nowhere.readVersion(at, 1),
    ]
    for (const call of calls) {
      const error = await failure(call)
      expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('no-such-mount') })
      expect(String(error)).not.toContain('hunter2')
    }
  })

  test('a KV version 1 mount is refused, and nothing stays in it', async () => {
    const mount = `${vault.mount}-kv1`
    await vault.request('POST', `sys/mounts/${mount}`, { body: { type: 'kv' } })
    const old = on({ mount })
    for (const call of [() => old.read(at), () => old.write(at, sealed({ password: 'hunter2' }), 0)]) {
      const error = await failure(call)
      expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('KV version 1') })
      expect(String(error)).not.toContain('hunter2')
    }
    expect((await vault.request('GET', `${mount}?list=true`)).status).toBe(404)
    await vault.request('DELETE', `sys/mounts/${mount}`)
  })

  test('a token without permission is forbidden, and never printed', async () => {
    await secrets.write(at, sealed({ n: 1 }), 0)
    const token = await vault.createToken({})
    const denied = on({ token })
    const calls = [
      () => denied.read(at),
      () => denied.readVersion(at, 1),
      () => denied.write(at, sealed({ password: 'hunter2' }), 1),
      () => denied.softDelete(at, 1),
      () => denied.remove(at),
    ]
    for (const call of calls) {
      const error = await failure(call)
      expect(error).toMatchObject({ code: 'forbidden' })
      for (const secret of [token, 'hunter2']) expect(String((error as Error).stack)).not.toContain(secret)
    }
    expect(await read()).toEqual({ version: 1, data: { n: 1 } })
  })

  test('canRemove checks the permission for the path', async () => {
    const may = async (hcl: string) =>
      on({ token: await vault.createToken({ policies: ['default', await vault.createPolicy('p', hcl)] }) }).canRemove()
    expect(await may(adminPolicy(vault.mount))).toBe(true)
    expect(await may(`path "${vault.mount}/metadata/*" { capabilities = ["read", "list"] }`)).toBe(false)
    expect(await may(`path "${vault.mount}/metadata/other/*" { capabilities = ["delete"] }`)).toBe(false)
  })

  test('the minimal policy is enough for every call', async () => {
    const policy = await vault.createPolicy('admin', adminPolicy(vault.mount))
    const admin = on({ token: await vault.createToken({ policies: ['default', policy] }) })
    expect(await admin.read(at)).toEqual({ version: 0, data: null })
    expect(await admin.write(at, sealed({ n: 1 }), 0)).toBe('ok')
    expect(revealed(await admin.readVersion(at, 1))).toEqual({ n: 1 })
    await admin.softDelete(at, 1)
    expect(await admin.read(at)).toEqual({ version: 1, data: null })
    await admin.remove(at)
    expect(await admin.read(at)).toEqual({ version: 0, data: null })
  })

  test('an unreachable server has certainly not been changed', async () => {
    const away = secretsOn({ ...vault, addr: 'http://127.0.0.1:1' }, {})
    closing.push(away.close)
    const calls = [
      () => away.secrets.read(at),
      () => away.secrets.write(at, sealed({}), 0),
      () => away.secrets.remove(at),
    ]
    for (const call of calls) expect(await failure(call)).toMatchObject({ code: 'unavailable', delivered: 'no' })
  })

  test('a field is read from a mount with slashes in its name', async () => {
    const mount = `${vault.mount}-nested/kv`
    await vault.addMount(mount)
    await vault.request('POST', `${mount}/data/a/b`, { body: { data: { password: 'x' } } })
    expect(await secrets.readField(`${mount}/a/b`, 'password')).toEqual({ value: 'x' })
    await vault.request('DELETE', `sys/mounts/${mount}`)
  })

  test('a mount that the token cannot use is a problem of the field', async () => {
    const stranger = on({ token: await vault.createToken({}) })
    await vault.writeSecret('other', { password: 'hunter2' })
    const found = await stranger.readField(`${vault.mount}/other`, 'password')
    expect(found).toEqual({ problem: expect.stringContaining('no such mount') })
  })
})
