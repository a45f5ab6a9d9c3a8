import { invalid } from '../domain/errors.ts'
import { valueAt } from '../lib/value-at.ts'
import type { VaultClient } from './client.ts'
import { vaultError } from './errors.ts'

/** Database credentials, valid until their lease expires. */
export interface DatabaseLease {
  readonly user: string
  readonly password: string
  /** The lease ID. */
  readonly id: string
}

/** Requests credentials from Vault's database engine. `role` is ROLE of the mount `database`, or MOUNT/ROLE. */
export async function issueDatabaseCredentials(client: VaultClient, role: string): Promise<DatabaseLease> {
  const slash = role.lastIndexOf('/')
  const mount = slash < 0 ? 'database' : role.slice(0, slash)
  const response = await client.read(`${mount}/creds/${encodeURIComponent(role.slice(slash + 1))}`)
  if (!response.ok && [400, 404].includes(response.status)) throw roleNotFound(role, mount)
  if (!response.ok) throw vaultError(response, 'issue credentials for the database')
  const user = valueAt(response.body, 'data', 'username')
  const password = valueAt(response.body, 'data', 'password')
  const id = valueAt(response.body, 'lease_id')
  if (typeof user !== 'string' || typeof password !== 'string' || typeof id !== 'string') {
    throw roleNotFound(role, mount)
  }
  return { user, password, id }
}

/**
 * Revokes a lease, which drops its Postgres role. Returns false if the token may not: the lease then stays until it
 * expires.
 */
export async function revokeLease(client: VaultClient, id: string): Promise<boolean> {
  const response = await client.write('sys/leases/revoke', { lease_id: id })
  return response.ok
}

function roleNotFound(role: string, mount: string) {
  return invalid('Vault cannot issue credentials for the database.', [
    { field: 'database.vaultRole', message: `${role} must be a role of the database engine at ${mount}` },
  ])
}
