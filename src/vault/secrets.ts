import type { DsctlError } from '../domain/errors.ts'
import { type Credentials, Secret } from '../domain/secret.ts'
import { valueAt } from '../lib/value-at.ts'
import type { SecretsHealth } from '../ports/health.ts'
import type { SecretLocation, Secrets, SecretVersion } from '../ports/secrets.ts'
import type { VaultClient, VaultResponse } from './client.ts'
import { type ErrorResponse, notVaultError, vaultError } from './errors.ts'
import { listSecrets, versionsKept } from './list-secrets.ts'
import { mountProblem } from './mount.ts'
import { readSecretField } from './read-secret-field.ts'

export interface SecretStore {
  readonly client: VaultClient
  /** A KV version 2 mount, for instance `secret`. */
  readonly mount: string
  /** For instance `data-sources/{id}`; `{organization_id}` may stand in it. */
  readonly path: string
}

/** The credentials in Vault's KV version 2. Check-and-set on every write. */
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
    versionsKept: () => versionsKept(store.client, store.mount),
    readField: (path, field) => readSecretField(store.client, path, field),
    pathOf: at => `${store.mount}/${named(store, at)}`,
  }
}

async function read(store: SecretStore, at: SecretLocation): Promise<SecretVersion> {
  const answer = await store.client.read(pathOf(store, 'data', at))
  const found = versionIn(answer)
  if (found) return { version: found.version, data: found.data }
  if (!answer.ok && answer.status === 404) {
    const problem = await mountProblem(store.client, store.mount)
    if (problem) throw problem
    return { version: 0, data: null }
  }
  throw answer.ok ? notVaultError() : vaultError(answer, 'read the credentials')
}

async function readVersion(store: SecretStore, at: SecretLocation, version: number) {
  const answer = await store.client.read(`${pathOf(store, 'data', at)}?version=${version}`)
  const found = versionIn(answer)
  if (found) return found.data ?? (found.destroyed ? 'gone' : null)
  if (!answer.ok && answer.status === 404) {
    const problem = await mountProblem(store.client, store.mount)
    if (problem) throw problem
    return 'gone'
  }
  throw answer.ok ? notVaultError() : vaultError(answer, 'read the credentials')
}

async function write(
  store: SecretStore,
  at: SecretLocation,
  { data, cas }: { data: Credentials; cas: number },
): Promise<'ok' | 'conflict'> {
  const plain = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, value.reveal()]))
  const answer = await store.client.write(pathOf(store, 'data', at), { options: { cas }, data: plain })
  if (answer.ok) {
    if (typeof valueAt(valueAt(answer.body, 'data'), 'version') === 'number') return 'ok'
    // KV version 1 takes anything and has just stored this as a secret of its own.
    await store.client.remove(pathOf(store, 'data', at))
    throw (await mountProblem(store.client, store.mount)) ?? notVaultError()
  }
  if (answer.status === 400 && answer.errors.some(text => /check-and-set/i.test(text))) return 'conflict'
  throw await unmounted(store, answer, 'write the credentials')
}

/** A refusal, which a 404 explains where it is for want of the mount. */
async function unmounted(store: SecretStore, refusal: ErrorResponse, doing: string): Promise<DsctlError> {
  const problem = refusal.status === 404 ? await mountProblem(store.client, store.mount) : undefined
  return problem ?? vaultError(refusal, doing)
}

async function softDelete(store: SecretStore, at: SecretLocation, version: number): Promise<void> {
  const answer = await store.client.write(pathOf(store, 'delete', at), { versions: [version] })
  if (!answer.ok) throw await unmounted(store, answer, 'take the credentials back')
}

async function remove(store: SecretStore, at: SecretLocation): Promise<void> {
  // Where there is no such secret, this is a success; a 404 is one for the mount.
  const answer = await store.client.remove(pathOf(store, 'metadata', at))
  if (!answer.ok) throw await unmounted(store, answer, 'remove the credentials')
}

// Asked for an id that no data source has: who asks need not have named one yet.
async function canRemove(store: SecretStore, organizationId?: string): Promise<boolean> {
  const placeholder = '00000000-0000-0000-0000-000000000000'
  const path = pathOf(store, 'metadata', { organizationId: organizationId ?? placeholder, secretId: placeholder })
  // Any other engine answers a removal of what it never had as Vault's KV version 2 does: 204.
  const [answer, problem] = await Promise.all([
    store.client.write('sys/capabilities-self', { paths: [path] }),
    mountProblem(store.client, store.mount),
  ])
  if (!answer.ok) throw vaultError(answer, 'ask for its own capabilities')
  const capabilities = valueAt(valueAt(answer.body, 'data'), path) ?? valueAt(answer.body, path)
  const may = Array.isArray(capabilities) && (capabilities.includes('delete') || capabilities.includes('root'))
  if (may && problem) throw problem
  return may
}

function pathOf(store: SecretStore, kind: 'data' | 'metadata' | 'delete', at: SecretLocation): string {
  return `${store.mount}/${kind}/${named(store, at)}`
}

function named({ path }: SecretStore, at: SecretLocation): string {
  return path.replaceAll('{id}', at.secretId).replaceAll('{organization_id}', at.organizationId)
}

/** The version in an answer: also in a 404, which after a soft delete still carries the metadata. */
function versionIn(answer: VaultResponse): (SecretVersion & { destroyed: boolean }) | undefined {
  const body = answer.ok || answer.status === 404 ? valueAt(answer.body, 'data') : undefined
  const metadata = valueAt(body, 'metadata')
  const version = valueAt(metadata, 'version')
  if (typeof version !== 'number') return undefined
  return { version, data: sealed(valueAt(body, 'data')), destroyed: valueAt(metadata, 'destroyed') === true }
}

function sealed(data: unknown): Credentials | null {
  if (typeof data !== 'object' || data === null) return null
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, new Secret(value)]))
}
