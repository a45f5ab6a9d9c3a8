import { isUuid } from '../lib/uuid.ts'
import { valueAt } from '../lib/value-at.ts'
import type { VaultClient } from './client.ts'
import { vaultError } from './errors.ts'

/**
 * The ids of all secrets under the path, whoever's they are (of one organization where its id stands in the path). An
 * answer holds them all: about 40 bytes each. Undefined where the token may not list them.
 */
export async function listSecrets(
  client: VaultClient,
  { mount, path }: { mount: string; path: string },
  organizationId: string,
): Promise<readonly string[] | undefined> {
  const before = path.slice(0, path.indexOf('{id}')).replaceAll('{organization_id}', organizationId)
  const folder = before.slice(0, before.lastIndexOf('/') + 1)
  const stem = before.slice(folder.length)
  const answer = await client.read(`${mount}/metadata/${folder.replace(/\/$/, '')}?list=true`)
  if (!answer.ok && answer.status === 404) return []
  if (!answer.ok && answer.status === 403) return undefined
  if (!answer.ok) throw vaultError(answer, 'list the secrets')
  const keys = valueAt(valueAt(answer.body, 'data'), 'keys')
  const after = path.slice(path.indexOf('{id}') + '{id}'.length)
  // A folder is listed with a slash at its end: where the path goes on below the id, that is all there is to see of it.
  const end = after.includes('/') ? after.slice(0, after.indexOf('/') + 1) : after
  return (Array.isArray(keys) ? keys : []).flatMap(key => {
    if (typeof key !== 'string' || !key.startsWith(stem) || !key.endsWith(end)) return []
    const id = key.slice(stem.length, key.length - end.length)
    return isUuid(id) ? [id] : []
  })
}

/** How many versions the mount keeps; undefined where the token may not ask. 0 is Vault's default, which is ten. */
export async function versionsKept(client: VaultClient, mount: string): Promise<number | undefined> {
  const answer = await client.read(`${mount}/config`)
  const versions = answer.ok ? valueAt(valueAt(answer.body, 'data'), 'max_versions') : undefined
  return typeof versions === 'number' ? versions || 10 : undefined
}
