import { secretPath } from '../domain/secret-path.ts'
import { isUuid } from '../lib/uuid.ts'
import { valueAt } from '../lib/value-at.ts'
import type { VaultClient } from './client.ts'
import { vaultError } from './errors.ts'

/**
 * The ids of all secrets under the path: of all organizations, unless the path contains the organization. One response
 * holds all ids, about 40 bytes each. Undefined if the token may not list them.
 */
export async function listSecrets(
  client: VaultClient,
  { mount, path }: { mount: string; path: string },
  organizationId: string,
): Promise<readonly string[] | undefined> {
  const pattern = secretPath(path, { organizationId, secretId: '{id}' })
  const before = pattern.slice(0, pattern.indexOf('{id}'))
  const folder = before.slice(0, before.lastIndexOf('/') + 1)
  const prefix = before.slice(folder.length)
  const response = await client.read(`${mount}/metadata/${folder.replace(/\/$/, '')}?list=true`)
  if (!response.ok && response.status === 404) return []
  if (!response.ok && response.status === 403) return undefined
  if (!response.ok) throw vaultError(response, 'list the secrets')
  const keys = valueAt(response.body, 'data', 'keys')
  const after = pattern.slice(before.length + '{id}'.length)
  // Vault lists a folder as its name and a slash. If the path continues below the id, the id is part of a folder name.
  const suffix = after.includes('/') ? after.slice(0, after.indexOf('/') + 1) : after
  return (Array.isArray(keys) ? keys : []).flatMap(key => {
    if (typeof key !== 'string' || !key.startsWith(prefix) || !key.endsWith(suffix)) return []
    const id = key.slice(prefix.length, key.length - suffix.length)
    return isUuid(id) ? [id] : []
  })
}
