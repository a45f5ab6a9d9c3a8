import type { Backend } from '../ports/backend.ts'
import { type PostgresStores, postgresStores } from '../postgres/stores.ts'
import type { OpenPglite } from './open-pglite.ts'
import { pglitePool } from './pglite-pool.ts'

export interface EmbeddedUser {
  /** E-mail address of the workspace_admin that a new database gets. */
  readonly email: string
  /** Names this process in the audit trail. */
  readonly client: string
}

/** The stores on an open PGlite. A new database gets its tables, the organization `local` and one workspace_admin. */
export async function prepareEmbedded(
  opened: OpenPglite,
  backend: Backend,
  { email, client }: EmbeddedUser,
): Promise<PostgresStores> {
  const stores = postgresStores(pglitePool(opened.database, backend), client)
  if (opened.isNew) {
    await stores.setup.prepare('empty')
    await stores.setup.addFirst({ organization: 'local', email, name: undefined })
    await opened.finish()
  }
  return stores
}
