import type { Kysely } from 'kysely'
import type { Denied } from '../../ports/caller.ts'
import type { Database } from '../schema/tables.ts'

/** `more`: there is a next page. */
export interface Page<T> {
  readonly rows: readonly T[]
  readonly more: boolean
}

/**
 * Reads pages from one snapshot, each starting after the last row of the previous page, and passes each non-empty page
 * to `onPage` until that returns false. A single page is read without a transaction. Otherwise the transaction is read
 * only, which also works on a standby and behind PgBouncer.
 */
export async function paginate<T>(
  db: Kysely<Database>,
  readPage: (snapshot: Kysely<Database>, after: T | undefined) => Promise<Denied | Page<T>>,
  onPage: (rows: readonly T[]) => Promise<boolean>,
): Promise<Denied | { kind: 'listed' }> {
  const first = await readPage(db, undefined)
  if ('kind' in first) return first
  if (!first.more) {
    if (first.rows.length) await onPage(first.rows)
    return { kind: 'listed' }
  }
  const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
  return snapshot.execute(async transaction => {
    for (let after: T | undefined; ; ) {
      const page = await readPage(transaction, after)
      if ('kind' in page) return page
      if (page.rows.length === 0 || !(await onPage(page.rows)) || !page.more) return { kind: 'listed' }
      after = page.rows.at(-1)
    }
  })
}
