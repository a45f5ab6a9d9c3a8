import type { BatchResult, Busy, Taken } from '../../ports/record-steps.ts'
import { RuleRefused, UniqueViolation } from '../connection/rule-failure.ts'
import { type IntentJson, toIntent } from './intent-columns.ts'

type Table = 'dsctl.pending_operations' | 'dsctl.audit_events' | 'data_sources'

/** Why a begin step was refused: an unclosed intent, or the name is in use. Undefined if neither. */
export function conflictOf(
  found: { blocker: IntentJson | null; taken?: string | null },
  requested: { readonly name: string | undefined; readonly env: string | undefined } | undefined,
): Busy | Taken | undefined {
  if (found.blocker) return { kind: 'busy', intent: toIntent(found.blocker) }
  if (found.taken) return { kind: 'taken', id: found.taken, name: requested?.name, env: requested?.env }
  return undefined
}

/**
 * Runs a statement. Returns `instead` if a unique index of `table` refused its write. That happens because the checks
 * of the statement cannot see concurrent transactions.
 */
export async function unlessUniqueViolation<A, B>(table: Table, instead: B, run: () => Promise<A>): Promise<A | B> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof UniqueViolation && error.table === table) return instead
    throw error
  }
}

/**
 * Runs a statement for several items. Returns 'rolled back' if a unique index or a rule of the application refused one
 * of them. For a single item, returns `instead` like `unlessUniqueViolation`, or throws.
 */
export async function runBatch<A>(
  table: Table,
  { items, instead }: { items: readonly unknown[]; instead: A },
  run: () => Promise<readonly A[]>,
): Promise<BatchResult<A>> {
  if (items.length === 0) return []
  if (items.length === 1) return unlessUniqueViolation<readonly A[], readonly A[]>(table, [instead], run)
  try {
    return await run()
  } catch (error) {
    if (error instanceof UniqueViolation || error instanceof RuleRefused) return 'rolled back'
    throw error
  }
}

/** The result of a batch of one item. */
export function onlyResult<A>(answers: BatchResult<A>): A {
  const [answer] = answers
  if (answers === 'rolled back' || answer === undefined)
    throw new Error('Expected the result of one item, but the statement returned none.')
  return answer as A
}

/** The intent was inserted concurrently and is not visible to this statement. */
export const BUSY: Busy = { kind: 'busy', intent: undefined }
