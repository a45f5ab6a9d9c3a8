import { type DsctlError, invalid } from '../domain/errors.ts'
import { valueAt } from '../lib/value-at.ts'
import type { VaultClient } from './client.ts'
import { vaultError } from './errors.ts'

/** What is wrong with a mount that the token's policies reach into, if anything: there is none, or not KV version 2. */
export async function mountProblem(client: VaultClient, mount: string): Promise<DsctlError | undefined> {
  const seen = await inspectMount(client, mount)
  if (seen === 'unseen') return mountNotFound(mount)
  return seen === 'fine' ? undefined : seen
}

/** The same of one that they may not reach into: Vault then says nothing of it, whether it is there or not. */
export async function inspectMount(client: VaultClient, mount: string): Promise<'fine' | 'unseen' | DsctlError> {
  const answer = await client.read(`sys/internal/ui/mounts/${mount}`)
  if (!answer.ok) {
    if (answer.status === 429 || answer.status >= 500) throw vaultError(answer, 'look at its mounts')
    return 'unseen'
  }
  const data = valueAt(answer.body, 'data')
  const type = valueAt(data, 'type')
  const version = valueAt(valueAt(data, 'options'), 'version')
  if (type === 'kv' && version === '2') return 'fine'
  const what = type === 'kv' || type === 'generic' ? 'KV version 1' : `a ${String(type)} engine`
  return invalid(`The Vault mount ${mount} is ${what}; dsctl needs KV version 2.`, [field], HINT)
}

export function mountNotFound(mount: string): DsctlError {
  return invalid(`Vault has no mount ${mount} that this token can use.`, [field], HINT)
}

/** The mount that a path begins with, asked of Vault, since a mount may have slashes in it. */
export async function findMount(client: VaultClient, path: string): Promise<string | undefined> {
  const answer = await client.read(`sys/internal/ui/mounts/${path}`)
  const mount = answer.ok ? valueAt(valueAt(answer.body, 'data'), 'path') : undefined
  return typeof mount === 'string' ? mount.replace(/\/$/, '') : undefined
}

const field = { field: 'vault.mount', message: 'must name a mount of the KV engine, version 2' }
const HINT = 'Set vault.mount (DSCTL_VAULT_MOUNT), or make one: vault secrets enable -path=MOUNT -version=2 kv.'
