import { DsctlError, invalid } from '../domain/errors.ts'
import { valueAt } from '../lib/value-at.ts'
import type { VaultClient } from './client.ts'
import { vaultError } from './errors.ts'
import { findMount } from './mount.ts'

/** One field of a KV version 2 secret at MOUNT/PATH. Throws `invalid` where there is none, never with a value. */
export async function readSecretField(client: VaultClient, path: string, field: string): Promise<string> {
  const source = `vault:${path}#${field}`
  // A %2e%2e in it would be taken for dots that climb, and a ? for a query.
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  const mount = await findMount(client, encoded)
  if (mount === undefined) throw invalid(`${source}: Vault has no such mount that this token can use.`)
  const answer = await client.read(`${mount}/data/${encoded.slice(mount.length + 1)}`)
  if (!answer.ok && answer.status === 404) throw invalid(`${source}: Vault has no such secret.`)
  if (!answer.ok && answer.status === 403) throw mayNotRead(source, `${mount}/data/${path.slice(mount.length + 1)}`)
  if (!answer.ok) throw vaultError(answer, `read ${source}`)
  const value = valueAt(valueAt(valueAt(answer.body, 'data'), 'data'), field)
  if (value === undefined) throw invalid(`${source}: the secret has no such field.`)
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)
  return String(value)
}

function mayNotRead(source: string, path: string): DsctlError {
  return new DsctlError('forbidden', `Vault does not allow this token to read ${source}.`, {
    hint: `Its policy needs: path "${path}" { capabilities = ["read"] }.`,
  })
}
