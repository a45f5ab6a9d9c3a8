import { type DsctlError, UnavailableError } from '../domain/errors.ts'
import { type Credentials, Secret } from '../domain/secret.ts'
import { secretPath } from '../domain/secret-path.ts'
import { valueAt } from '../lib/value-at.ts'
import type { SecretsHealth } from '../ports/health.ts'
import type { SecretLocation, Secrets, SecretVersion } from '../ports/secrets.ts'
import type { VaultClient, VaultResponse } from './client.ts'
import { type ErrorResponse, notVaultError, vaultError } from './errors.ts'
import { listSecrets } from './list-secrets.ts'
import { inspectMount, mountProblem, readRetention } from './mount.ts'
import { readSecretField } from './read-secret-field.ts'

export interface SecretStore {
  readonly client: VaultClient
  /** A KV version 2 mount, for example `secret`. */
  readonly mount: string
  /** Template of a secret's path, for example `data-sources/{id}`; may contain `{organization_id}`. */
  readonly path: string
}

/** The secret store in Vault's KV version 2. Every write uses check-and-set. */
export function vaultSecrets(store: SecretStore): Secrets & SecretsHealth {
  return {
    read: at => read(store, at),
    readVersion: (at, version) => readVersion(store, at, version),
    write: (at, data, cas) => write(store, at, { data, cas }),
    softDelete: (at, version) => softDelete(store, at, version),
    remove: at => remove(store, at),
    organizationInPath: store.path.includes('{organization_id}'),
    canRemove: organizationId => canRemove(store, organizationId),
    list: organizationId => listSecrets(store.client, store, organizationId),
    retention: () => readRetention(store.client, store.mount),
    readField: (path, field) => readSecretField(store.client, path, field),
    pathOf: at => `${store.mount}/${pathInMount(store, at)}`,
  }
}

async function read(store: SecretStore, at: SecretLocation): Promise<SecretVersion> {
  const response = await store.client.read(apiPath(store, 'data', at))
  const found = parseVersion(response)
  if (found) {
    const { version, data, deletedAt } = found
    return { version, data, ...(data && deletedAt !== undefined && { deletedAt }) }
  }
  await throwUnlessNotFound(store, response)
  return { version: 0, data: null }
}

async function readVersion(store: SecretStore, at: SecretLocation, version: number) {
  const response = await store.client.read(`${apiPath(store, 'data', at)}?version=${version}`)
  const found = parseVersion(response)
  if (found) return found.data ?? (found.destroyed ? 'gone' : null)
  await throwUnlessNotFound(store, response)
  return 'gone'
}

/** A 404 means that the secret does not exist, provided that the mount exists. */
async function throwUnlessNotFound(store: SecretStore, response: VaultResponse): Promise<void> {
  if (response.ok) throw notVaultError()
  if (response.status !== 404) throw vaultError(response, 'read the credentials')
  const problem = await mountProblem(store.client, store.mount)
  if (problem) throw problem
}

async function write(
  store: SecretStore,
  at: SecretLocation,
  { data, cas }: { data: Credentials; cas: number },
): Promise<'ok' | 'conflict'> {
  const plain = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, value.reveal()]))
  const response = await store.client.write(apiPath(store, 'data', at), { options: { cas }, data: plain })
  if (response.ok) {
    if (typeof valueAt(response.body, 'data', 'version') === 'number') return 'ok'
    const state = await inspectMount(store.client, store.mount)
    if (state === 'kv2' || state === 'hidden') throw unclearWrite()
    // The mount is not KV version 2. Version 1 accepts any object and has stored this one as a secret, so remove it.
    await store.client.remove(apiPath(store, 'data', at))
    throw state
  }
  if (response.status === 400 && response.errors.some(text => /check-and-set/i.test(text))) return 'conflict'
  throw await writeError(store, response, 'write the credentials')
}

/** Something between may have replaced the response. Removing anything now could remove the current credentials. */
function unclearWrite(): UnavailableError {
  return new UnavailableError('maybe', 'The response of Vault to a write has no version.', {
    hint: 'Check that nothing between changes the responses of Vault.',
  })
}

/** A write returns 404 only if the mount does not exist. */
async function writeError(store: SecretStore, response: ErrorResponse, action: string): Promise<DsctlError> {
  const problem = response.status === 404 ? await mountProblem(store.client, store.mount) : undefined
  return problem ?? vaultError(response, action)
}

async function softDelete(store: SecretStore, at: SecretLocation, version: number): Promise<void> {
  const response = await store.client.write(apiPath(store, 'delete', at), { versions: [version] })
  if (!response.ok) throw await writeError(store, response, 'soft-delete the credentials')
}

async function remove(store: SecretStore, at: SecretLocation): Promise<void> {
  const response = await store.client.remove(apiPath(store, 'metadata', at))
  if (!response.ok) throw await writeError(store, response, 'remove the credentials')
}

const PLACEHOLDER_ID = '00000000-0000-0000-0000-000000000000'

async function canRemove(store: SecretStore, organizationId = PLACEHOLDER_ID): Promise<boolean> {
  const path = apiPath(store, 'metadata', { organizationId, secretId: PLACEHOLDER_ID })
  // The mount is checked too, because other engines also return 204 when asked to remove an unknown path.
  const [response, problem] = await Promise.all([
    store.client.write('sys/capabilities-self', { paths: [path] }),
    mountProblem(store.client, store.mount),
  ])
  if (!response.ok) throw vaultError(response, 'read its own capabilities')
  const capabilities = valueAt(response.body, 'data', path) ?? valueAt(response.body, path)
  const allowed = Array.isArray(capabilities) && (capabilities.includes('delete') || capabilities.includes('root'))
  if (allowed && problem) throw problem
  return allowed
}

function apiPath(store: SecretStore, kind: 'data' | 'metadata' | 'delete', at: SecretLocation): string {
  return `${store.mount}/${kind}/${pathInMount(store, at)}`
}

function pathInMount({ path }: SecretStore, at: SecretLocation): string {
  return secretPath(path, at)
}

/** The version in a response. After a soft delete, the response is a 404 that contains the version's metadata. */
function parseVersion(response: VaultResponse): (SecretVersion & { destroyed: boolean }) | undefined {
  const body = response.ok || response.status === 404 ? valueAt(response.body, 'data') : undefined
  const version = valueAt(body, 'metadata', 'version')
  if (typeof version !== 'number') return undefined
  const end = valueAt(body, 'metadata', 'deletion_time')
  return {
    version,
    data: seal(valueAt(body, 'data')),
    destroyed: valueAt(body, 'metadata', 'destroyed') === true,
    ...(typeof end === 'string' && end !== '' && { deletedAt: end }),
  }
}

function seal(data: unknown): Credentials | null {
  if (typeof data !== 'object' || data === null) return null
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, new Secret(value)]))
}
