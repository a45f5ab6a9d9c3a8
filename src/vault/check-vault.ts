import { secretPath } from '../domain/secret-path.ts'
import { valueAt } from '../lib/value-at.ts'
import type { VaultCheck } from '../ports/setup.ts'
import type { VaultClient } from './client.ts'
import { notVaultError, type TokenSource, tokenRejected, vaultError } from './errors.ts'
import { inspectMount, mountNotFound } from './mount.ts'

/** The capabilities that dsctl needs, by the first segment of the path below the mount. */
const NEEDED = {
  data: ['create', 'update', 'read'],
  metadata: ['delete'],
  delete: ['update'],
} as const

const PLACEHOLDER_ID = '00000000-0000-0000-0000-000000000000'

export interface CheckOptions {
  readonly mount: string
  /** Template of a secret's path, for example `data-sources/{id}`. */
  readonly path: string
  /** If undefined, a placeholder is used for an organization in the path. */
  readonly organizationId: string | undefined
  readonly tokenFrom: TokenSource
}

/**
 * Checks that Vault is available, that the mount is KV version 2, and what the token may do there. Throws
 * UnavailableError, `unauthenticated` for the token, or `invalid` for the mount.
 */
export async function checkVault(client: VaultClient, options: CheckOptions): Promise<VaultCheck> {
  const { mount, path, organizationId, tokenFrom } = options
  const token = await lookUpToken(client, tokenFrom)
  const state = await inspectMount(client, mount)
  if (state !== 'kv2' && state !== 'hidden') throw state
  const template = secretPath(path, { organizationId: organizationId ?? '{organization_id}', secretId: '{id}' })
  const granted = await grantedCapabilities(client, mount, template)
  // Vault shows a mount if any policy covers a path in it. If a policy does, and the mount is hidden, it does not
  // exist.
  const covered = Object.values(granted)
    .flat()
    .some(capability => capability !== 'deny')
  if (state === 'hidden' && covered) throw mountNotFound(mount)
  const missing = Object.entries(NEEDED).flatMap(([kind, needed]) => {
    const has = granted[kind] ?? []
    const lacking = needed.filter(capability => !has.includes('root') && !has.includes(capability))
    return lacking.length ? [{ path: `${mount}/${kind}/${template}`, capabilities: lacking }] : []
  })
  return { missing, token, ...(state === 'hidden' && { hiddenMount: mount }) }
}

async function lookUpToken(client: VaultClient, source: TokenSource): Promise<NonNullable<VaultCheck['token']>> {
  const response = await client.read('auth/token/lookup-self')
  if (!response.ok && response.status === 403) throw tokenRejected(source)
  if (response.ok ? valueAt(response.body, 'data') === undefined : response.status === 404) throw notVaultError()
  if (!response.ok) throw vaultError(response, 'look up its own token')
  const policies = valueAt(response.body, 'data', 'policies')
  const ttl = valueAt(response.body, 'data', 'ttl')
  return {
    ttl: typeof ttl === 'number' && ttl > 0 ? ttl : undefined,
    isRoot: Array.isArray(policies) && policies.includes('root'),
  }
}

/** The token's capabilities on the path of a secret, by the keys of NEEDED. */
async function grantedCapabilities(client: VaultClient, mount: string, template: string) {
  const placeholder = secretPath(template, { organizationId: PLACEHOLDER_ID, secretId: PLACEHOLDER_ID })
  const paths = Object.keys(NEEDED).map(kind => [kind, `${mount}/${kind}/${placeholder}`] as const)
  const response = await client.write('sys/capabilities-self', { paths: paths.map(([, path]) => path) })
  if (!response.ok) throw vaultError(response, 'read its own capabilities')
  const entries = paths.map(([kind, path]): [string, readonly unknown[]] => {
    const granted = valueAt(response.body, 'data', path)
    return [kind, Array.isArray(granted) ? granted : []]
  })
  return Object.fromEntries(entries)
}
