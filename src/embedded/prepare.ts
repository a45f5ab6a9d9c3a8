import type { Kysely } from 'kysely'
import type { Backend } from '../ports/backend.ts'
import { openDatabase } from '../postgres/connection/database.ts'
import { postgresSetup } from '../postgres/schema/setup.ts'
import type { Database } from '../postgres/schema/tables.ts'
import type { OpenPglite } from './open-pglite.ts'
import { pglitePool } from './pglite-pool.ts'

/** Kysely on an open PGlite. The first use creates the tables, the organization `local`, and its workspace_admin. */
export async function prepareEmbedded(opened: OpenPglite, backend: Backend, email: string): Promise<Kysely<Database>> {
  const db = openDatabase(pglitePool(opened.database, backend))
  const setup = postgresSetup(db)
  if (opened.isNew) {
    await setup.prepare('empty')
    await setup.addFirst({ organization: 'local', email, name: undefined })
    await opened.finish()
  }
  return db
}
