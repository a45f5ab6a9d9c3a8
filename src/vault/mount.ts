import { type DsctlError, invalid } from '../errors.ts'
import type { VaultClient } from './client.ts'
import { refused } from './failure.ts'
import { property } from './property.ts'

/** What is wrong with the mount, if anything: it is none that this token can see, or not KV version 2. */
export async function mountProblem(client: VaultClient, mount: string): Promise<DsctlError | undefined> {
  const answer = await client.read(`sys/internal/ui/mounts/${mount}`)
  if (!answer.ok) {
    if (answer.status === 429 || answer.status >= 500) throw refused(answer, 'look at its mounts')
    return invalid(`Vault has no mount ${mount} that this token can use.`, [field], HINT)
  }
  const data = property(answer.body, 'data')
  const type = property(data, 'type')
  const version = property(property(data, 'options'), 'version')
  if (type === 'kv' && version === '2') return undefined
  const what = type === 'kv' || type === 'generic' ? 'KV version 1' : `a ${String(type)} engine`
  return invalid(`The Vault mount ${mount} is ${what}; dsctl needs KV version 2.`, [field], HINT)
}

/** The mount that a path begins with, asked of Vault, since a mount may have slashes in it. */
export async function mountOf(client: VaultClient, path: string): Promise<string | undefined> {
  const answer = await client.read(`sys/internal/ui/mounts/${path}`)
  const mount = answer.ok ? property(property(answer.body, 'data'), 'path') : undefined
  return typeof mount === 'string' ? mount.replace(/\/$/, '') : undefined
}

const field = { field: 'vault.mount', message: 'must name a mount of the KV engine, version 2' }
const HINT = 'Set vault.mount (DSCTL_VAULT_MOUNT), or make one: vault secrets enable -path=MOUNT -version=2 kv.'
