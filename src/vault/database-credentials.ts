import { invalid } from '../domain/errors.ts'
import { valueAt } from '../lib/value-at.ts'
import type { VaultClient } from './client.ts'
import { vaultError } from './errors.ts'

/** Credentials that are good for as long as their lease. */
export interface DatabaseLease {
  readonly user: string
  readonly password: string
  readonly id: string
}

/** Has Vault's database engine issue credentials for `role`: one of the mount `database`, or `MOUNT/ROLE`. */
export async function issueDatabaseCredentials(client: VaultClient, role: string): Promise<DatabaseLease> {
  const at = role.lastIndexOf('/')
  const mount = at < 0 ? 'database' : role.slice(0, at)
  const answer = await client.read(`${mount}/creds/${encodeURIComponent(role.slice(at + 1))}`)
  if (!answer.ok && [400, 404].includes(answer.status)) throw noRole(role, mount)
  if (!answer.ok) throw vaultError(answer, 'issue credentials for the database')
  const [user, password, id] = [
    valueAt(valueAt(answer.body, 'data'), 'username'),
    valueAt(valueAt(answer.body, 'data'), 'password'),
    valueAt(answer.body, 'lease_id'),
  ]
  if (typeof user !== 'string' || typeof password !== 'string' || typeof id !== 'string') throw noRole(role, mount)
  return { user, password, id }
}

/** Ends a lease, which takes its Postgres role away. False where the token may not: it then ends by itself. */
export async function revokeLease(client: VaultClient, id: string): Promise<boolean> {
  const answer = await client.write('sys/leases/revoke', { lease_id: id })
  return answer.ok
}

function noRole(role: string, mount: string) {
  return invalid('Vault issues no credentials for the database.', [
    { field: 'database.vaultRole', message: `${role} must be a role of the database engine at ${mount}` },
  ])
}
