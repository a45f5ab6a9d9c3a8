import { DsctlError } from '../errors.ts'
import type { VaultCheck } from '../ports/setup.ts'
import type { VaultClient } from './client.ts'
import { refused } from './failure.ts'
import { mountProblem } from './mount.ts'
import { property } from './property.ts'

const NEEDED = {
  data: ['create', 'update', 'read'],
  metadata: ['delete'],
  delete: ['update'],
} as const

/**
 * Checks that Vault answers, that the mount is KV version 2, and what the token may do there. Throws UnavailableError,
 * `unauthenticated`, or `invalid` for the mount. Where the path has an organization in it, one that is not known yet
 * stands for any.
 */
export async function checkVault(
  client: VaultClient,
  { mount, path, organizationId }: { mount: string; path: string; organizationId: string | undefined },
): Promise<VaultCheck> {
  const self = await client.read('auth/token/lookup-self')
  if (!self.ok && self.status === 403) {
    throw new DsctlError(
      'unauthenticated',
      'Vault does not accept the token: it is invalid or has expired, or it has no default policy.',
      {
        hint: 'Log in again (vault login), or let its policy read auth/token/lookup-self.',
      },
    )
  }
  if (!self.ok) throw refused(self, 'look up its own token')
  const problem = await mountProblem(client, mount)
  if (problem) throw problem
  const placeholder = '00000000-0000-0000-0000-000000000000'
  const template = path.replaceAll('{organization_id}', organizationId ?? '{organization_id}')
  const at = template.replaceAll(/\{(id|organization_id)\}/g, placeholder)
  const paths = Object.keys(NEEDED).map(kind => `${mount}/${kind}/${at}`)
  const answer = await client.write('sys/capabilities-self', { paths })
  if (!answer.ok) throw refused(answer, 'ask for its own capabilities')
  const missing = Object.entries(NEEDED).flatMap(([kind, needed]) => {
    const granted = property(property(answer.body, 'data'), `${mount}/${kind}/${at}`)
    const has = (capability: string) =>
      Array.isArray(granted) && (granted.includes('root') || granted.includes(capability))
    const lacking = needed.filter(capability => !has(capability))
    return lacking.length ? [{ path: `${mount}/${kind}/${template}`, capabilities: lacking }] : []
  })
  const ttl = property(property(self.body, 'data'), 'ttl')
  return { missing, token: { ttl: typeof ttl === 'number' && ttl > 0 ? ttl : undefined } }
}
