import { valueAt } from '../lib/value-at.ts'
import type { VaultCheck } from '../ports/setup.ts'
import type { VaultClient } from './client.ts'
import { notVaultError, tokenRejected, vaultError } from './errors.ts'
import { inspectMount, mountNotFound } from './mount.ts'

const NEEDED = {
  data: ['create', 'update', 'read'],
  metadata: ['delete'],
  delete: ['update'],
} as const

/**
 * Checks that Vault answers, that the mount is KV version 2, and what the token may do there. Throws UnavailableError,
 * `unauthenticated`, or `invalid` for the mount; `tokenFrom` is for that error. Where the path has an organization in it, one that is not known yet
 * stands for any.
 */
export async function checkVault(
  client: VaultClient,
  {
    mount,
    path,
    organizationId,
    tokenFrom,
  }: { mount: string; path: string; organizationId: string | undefined; tokenFrom: string | undefined },
): Promise<VaultCheck> {
  const self = await client.read('auth/token/lookup-self')
  if (!self.ok && self.status === 403) throw tokenRejected(tokenFrom)
  if (self.ok ? valueAt(self.body, 'data') === undefined : self.status === 404) throw notVaultError()
  if (!self.ok) throw vaultError(self, 'look up its own token')
  const seen = await inspectMount(client, mount)
  if (seen !== 'fine' && seen !== 'unseen') throw seen
  const placeholder = '00000000-0000-0000-0000-000000000000'
  const template = path.replaceAll('{organization_id}', organizationId ?? '{organization_id}')
  const at = template.replaceAll(/\{(id|organization_id)\}/g, placeholder)
  const paths = Object.keys(NEEDED).map(kind => `${mount}/${kind}/${at}`)
  const answer = await client.write('sys/capabilities-self', { paths })
  if (!answer.ok) throw vaultError(answer, 'ask for its own capabilities')
  const grantedOn = (kind: string): readonly unknown[] => {
    const granted = valueAt(valueAt(answer.body, 'data'), `${mount}/${kind}/${at}`)
    return Array.isArray(granted) ? granted : []
  }
  // Vault shows each mount that a policy reaches into, so one that is not shown then is not there.
  const reaches = Object.keys(NEEDED).some(kind => grantedOn(kind).some(capability => capability !== 'deny'))
  if (seen === 'unseen' && reaches) throw mountNotFound(mount)
  const missing = Object.entries(NEEDED).flatMap(([kind, needed]) => {
    const granted = grantedOn(kind)
    const lacking = needed.filter(capability => !granted.includes('root') && !granted.includes(capability))
    return lacking.length ? [{ path: `${mount}/${kind}/${template}`, capabilities: lacking }] : []
  })
  const policies = valueAt(valueAt(self.body, 'data'), 'policies')
  const isRoot = Array.isArray(policies) && policies.includes('root')
  const ttl = valueAt(valueAt(self.body, 'data'), 'ttl')
  const token = { ttl: typeof ttl === 'number' && ttl > 0 ? ttl : undefined, isRoot }
  return { missing, token, ...(seen === 'unseen' && { hiddenMount: mount }) }
}
