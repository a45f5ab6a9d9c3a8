import type { Kysely } from 'kysely'
import type { Denied } from '../../ports/caller.ts'
import type { Database } from '../schema/tables.ts'

export interface Page<T> {
  readonly rows: readonly T[]
  readonly more: boolean
}

/**
 * Reads page after page, each from where the one before it ended, and hands them on until there are no more or none is
 * wanted. They are of one snapshot: of one statement where that is enough, else of a transaction that only reads, so that
 * it also runs on a standby and behind PgBouncer.
 */
export async function paginate<T>(
  db: Kysely<Database>,
  readPage: (snapshot: Kysely<Database>, after: T | undefined) => Promise<Denied | Page<T>>,
  take: (rows: readonly T[]) => Promise<boolean>,
): Promise<Denied | { kind: 'listed' }> {
  const first = await readPage(db, undefined)
  if ('kind' in first) return first
  if (!first.more) {
    if (first.rows.length) await take(first.rows)
    return { kind: 'listed' }
  }
  const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
  return snapshot.execute(async transaction => {
    for (let after: T | undefined; ; ) {
      const page = await readPage(transaction, after)
      if ('kind' in page) return page
      if (page.rows.length === 0 || !(await take(page.rows)) || !page.more) return { kind: 'listed' }
      after = page.rows.at(-1)
    }
  })
}
