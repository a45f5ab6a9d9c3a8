import { type Credentials, Secret } from '../../../src/domain/secret.ts'
import type { SecretField, SecretLocation, Secrets } from '../../../src/ports/secrets.ts'

/** A Vault mount as plain data. */
export interface MemoryVault {
  /** How many versions of a secret are kept. */
  readonly kept: number
  /** By organization and secret id. */
  readonly secrets: Record<string, MemorySecret>
  /** The secrets that `vault:MOUNT/PATH#FIELD` can read, by MOUNT/PATH. */
  readonly others: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface MemorySecret {
  current: number
  /** A soft-deleted version is null; a pruned or destroyed one is missing. */
  readonly versions: Record<string, Readonly<Record<string, unknown>> | null>
}

/** The key of a secret in a MemoryVault. */
export function keyOf({ organizationId, secretId }: SecretLocation): string {
  return `${organizationId}/${secretId}`
}

/** Does what KV version 2 does for each request, one at a time. */
export function memorySecrets(vault: MemoryVault): Secrets {
  return {
    read: async at => {
      const secret = vault.secrets[keyOf(at)]
      return { version: secret?.current ?? 0, data: sealed(secret?.versions[secret.current]) }
    },
    readVersion: async (at, version) => {
      const data = vault.secrets[keyOf(at)]?.versions[version]
      return data === undefined ? 'gone' : sealed(data)
    },
    write: async (at, data, cas) => write(vault, keyOf(at), { data, cas }),
    softDelete: async (at, version) => {
      const secret = vault.secrets[keyOf(at)]
      if (secret?.versions[version]) secret.versions[version] = null
    },
    remove: async at => {
      delete vault.secrets[keyOf(at)]
    },
    organizationInPath: false,
    canRemove: async () => true,
    readField: async (path, field) => readField(vault, path, field),
    pathOf: at => `memory/${keyOf(at)}`,
  }
}

function write(vault: MemoryVault, key: string, { data, cas }: { data: Credentials; cas: number }): 'ok' | 'conflict' {
  if (cas !== (vault.secrets[key]?.current ?? 0)) return 'conflict'
  vault.secrets[key] ??= { current: 0, versions: {} }
  const secret = vault.secrets[key]
  secret.current++
  secret.versions[secret.current] = Object.fromEntries(Object.entries(data).map(([name, v]) => [name, v.reveal()]))
  delete secret.versions[secret.current - vault.kept]
  return 'ok'
}

function readField(vault: MemoryVault, path: string, field: string): SecretField {
  const secret = vault.others[path]
  if (!secret) return { problem: `comes from vault:${path}#${field}, which does not exist` }
  const value = secret[field]
  if (value === undefined) return { problem: `comes from vault:${path}#${field}, which has no such field` }
  return { value: typeof value === 'object' ? JSON.stringify(value) : String(value) }
}

function sealed(data: Readonly<Record<string, unknown>> | null | undefined): Credentials | null {
  return data ? Object.fromEntries(Object.entries(data).map(([name, value]) => [name, new Secret(value)])) : null
}
