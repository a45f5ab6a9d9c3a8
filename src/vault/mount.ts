import { type DsctlError, invalid } from '../domain/errors.ts'
import { valueAt } from '../lib/value-at.ts'
import type { Retention } from '../ports/health.ts'
import type { VaultClient } from './client.ts'
import { vaultError } from './errors.ts'

/**
 * Returns an error if a mount does not exist or is not KV version 2. The token must have a policy for a path in the
 * mount: Vault hides other mounts.
 */
export async function mountProblem(client: VaultClient, mount: string): Promise<DsctlError | undefined> {
  const state = await inspectMount(client, mount)
  if (state === 'hidden') return mountNotFound(mount)
  return state === 'kv2' ? undefined : state
}

/**
 * Returns `kv2`, or an error if the mount has another type. Returns `hidden` if the token cannot see the mount: it does
 * not exist, or no policy of the token covers a path in it.
 */
export async function inspectMount(client: VaultClient, mount: string): Promise<'kv2' | 'hidden' | DsctlError> {
  const response = await client.read(`sys/internal/ui/mounts/${mount}`)
  if (!response.ok) {
    if (response.status === 429 || response.status >= 500) throw vaultError(response, 'read its mounts')
    return 'hidden'
  }
  const type = valueAt(response.body, 'data', 'type')
  const version = valueAt(response.body, 'data', 'options', 'version')
  if (type === 'kv' && version === '2') return 'kv2'
  const found = type === 'kv' || type === 'generic' ? 'KV version 1' : `a ${String(type)} engine`
  return invalid(`The Vault mount ${mount} is ${found}; dsctl needs KV version 2.`, [MOUNT_FIELD], HINT)
}

export function mountNotFound(mount: string): DsctlError {
  return invalid(`Vault has no mount ${mount} that this token can use.`, [MOUNT_FIELD], HINT)
}

/** Finds the mount of a path by asking Vault, because the name of a mount may contain slashes. */
export async function findMount(client: VaultClient, path: string): Promise<string | undefined> {
  const response = await client.read(`sys/internal/ui/mounts/${path}`)
  const mount = response.ok ? valueAt(response.body, 'data', 'path') : undefined
  return typeof mount === 'string' ? mount.replace(/\/$/, '') : undefined
}

const DEFAULT_VERSIONS_KEPT = 10

/** How long the mount keeps versions of a secret; undefined if the token may not read its configuration. */
export async function readRetention(client: VaultClient, mount: string): Promise<Retention | undefined> {
  const response = await client.read(`${mount}/config`)
  const versions = response.ok ? valueAt(response.body, 'data', 'max_versions') : undefined
  if (typeof versions !== 'number') return undefined
  const after = response.ok ? valueAt(response.body, 'data', 'delete_version_after') : undefined
  const deleteAfter = typeof after === 'string' && !/^(0s?)?$/.test(after) ? after : undefined
  return { versions: versions || DEFAULT_VERSIONS_KEPT, deleteAfter }
}

const MOUNT_FIELD = { field: 'vault.mount', message: 'must be a mount of the KV engine, version 2' }
const HINT = 'Set vault.mount (DSCTL_VAULT_MOUNT), or create the mount: vault secrets enable -path=MOUNT -version=2 kv.'
