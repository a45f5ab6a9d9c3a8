import type { BatchResult, Busy, Taken } from '../../ports/record-steps.ts'
import { RuleRefused, UniqueViolation } from '../connection/failure.ts'
import { type IntentJson, toIntent } from './intent-columns.ts'

type Table = 'dsctl.pending_operations' | 'dsctl.audit_events' | 'data_sources'

/** What a first step found in its way: another's intent, or the name in use. */
export function conflictOf(
  found: { holder: IntentJson | null; taken?: string | null },
  wanted: { readonly name: string | undefined; readonly env: string | undefined } | undefined,
): Busy | Taken | undefined {
  if (found.holder) return { kind: 'busy', intent: toIntent(found.holder) }
  if (found.taken) return { kind: 'taken', id: found.taken, name: wanted?.name, env: wanted?.env }
  return undefined
}

/**
 * A statement's checks may be older than its write; the unique indexes have the last word. Answers `instead` where
 * one of `table` refused the write.
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
 * The same for a statement that does several things at once: that one of them was refused, by an index or by a rule of
 * the application's, has undone all, and `none` tells it. Of one alone it is known what was refused.
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

/** The answer of one that was asked for by itself. */
export function onlyResult<A>(answers: BatchResult<A>): A {
  const [answer] = answers
  if (answers === 'rolled back' || answer === undefined) throw new Error('A statement for one had no answer for it.')
  return answer as A
}

/** Begun at this very moment, by a process (or an earlier try) that this statement could not see. */
export const BUSY: Busy = { kind: 'busy', intent: undefined }
