import { DsctlError } from '../domain/errors.ts'
import { stringify } from '../lib/stringify.ts'
import { valueAt } from '../lib/value-at.ts'
import type { SecretField } from '../ports/secrets.ts'
import type { VaultClient } from './client.ts'
import { vaultError } from './errors.ts'
import { findMount } from './mount.ts'

/** Reads one field of the KV version 2 secret at MOUNT/PATH. Errors hold no values. */
export async function readSecretField(client: VaultClient, path: string, field: string): Promise<SecretField> {
  const source = `vault:${path}#${field}`
  // Otherwise %2e%2e would be decoded to "..", and ? would start a query.
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  const mount = await findMount(client, encoded)
  if (mount === undefined)
    return { problem: `comes from ${source}, but Vault has no such mount that this token can use` }
  const response = await client.read(`${mount}/data/${encoded.slice(mount.length + 1)}`)
  if (!response.ok && response.status === 404) return { problem: `comes from ${source}, which does not exist in Vault` }
  if (!response.ok && response.status === 403) {
    throw notAllowedToRead(source, `${mount}/data/${path.slice(mount.length + 1)}`)
  }
  if (!response.ok) throw vaultError(response, `read ${source}`)
  const value = valueAt(response.body, 'data', 'data', field)
  if (value === undefined) return { problem: `comes from ${source}, but that secret has no such field` }
  return { value: stringify(value) }
}

function notAllowedToRead(source: string, path: string): DsctlError {
  return new DsctlError('forbidden', `Vault does not allow this token to read ${source}.`, {
    hint: `Add to its policy: path "${path}" { capabilities = ["read"] }.`,
  })
}
