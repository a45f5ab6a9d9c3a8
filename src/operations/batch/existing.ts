import type { NameAndEnv } from '../../domain/data-source.ts'
import { keyOf } from '../../domain/data-source.ts'
import { DsctlError } from '../../domain/errors.ts'
import type { LookupAudit } from '../../ports/lookup.ts'
import { MAX_NAMES, type NamedRecord } from '../../ports/records.ts'
import { permitted } from '../authorize.ts'
import type { Stores } from '../stores.ts'
import { retry } from '../two-stores/retry.ts'
import type { BatchItem } from './item.ts'

/** A record that a batch found. */
export interface Existing extends NamedRecord {
  /** Whether it has an unclosed intent, so that its credentials may still be rolled back. */
  readonly unsettled: boolean
  /** When it was read, for Records.unsettledSince. */
  readonly foundAt: string
}

/** The data in the database that a batch needs. */
export interface FoundRecords {
  /** The live records with the names of the batch, by `keyOf`. */
  readonly existing: ReadonlyMap<string, Existing>
  /** The types that the database accepts; undefined if it accepts any. */
  readonly types: readonly string[] | undefined
}

/**
 * Looks up the live records with these names. Throws if the caller may not read them. If `action` is given,
 * the denial is audited under that action.
 */
export async function findExisting(
  stores: Stores,
  names: readonly NameAndEnv[],
  action?: LookupAudit['action'],
): Promise<FoundRecords> {
  const attempt = action && { eventId: crypto.randomUUID(), action }
  const existing = new Map<string, Existing>()
  let accepted: readonly string[] | undefined
  for (let at = 0; at === 0 || at < names.length; at += MAX_NAMES) {
    const chunk = names.slice(at, at + MAX_NAMES)
    const found = await retry(stores, () => stores.records.findNamed(stores.caller, chunk, attempt))
    if (found.kind !== 'answered') throw found.error
    const { records, unsettled, at: foundAt, types } = permitted(found.answer)
    accepted = types
    for (const record of records) {
      const other = existing.get(keyOf(record))
      if (other) throw sameNameError(record, other.id)
      existing.set(keyOf(record), { ...record, foundAt, unsettled: unsettled.includes(record.id) })
    }
  }
  return { existing, types: accepted }
}

/** Two records that an application made: their names differ only in their Unicode form. */
function sameNameError({ name, env, id }: NamedRecord, other: string): DsctlError {
  return new DsctlError('conflict', `Two data sources are named ${name} in env ${env}: ${other} and ${id}.`, {
    hint: 'Rename one of them: dsctl update UUID --set-name NAME.',
  })
}

/**
 * Returns the records of unchanged items that have to be applied again. The credentials that these items were compared
 * with may come from an update of another process that has since been rolled back, or still may be.
 */
export async function findUnsettledSince(
  stores: Stores,
  unchanged: readonly BatchItem[],
  existing: ReadonlyMap<string, Existing>,
): Promise<ReadonlyMap<string, Existing>> {
  // Records that were unsettled from the start were updated, not only compared, so they need no second check.
  const records = unchanged.flatMap(item => existing.get(keyOf(item)) ?? []).filter(record => !record.unsettled)
  const [first] = records
  if (!first) return new Map()
  const ids = records.map(({ id }) => id)
  const found = await retry(stores, () => stores.records.unsettledSince(ids, first.foundAt))
  if (found.kind !== 'answered') throw found.error
  const unsettled = new Set(found.answer)
  return new Map(
    records.filter(({ id }) => unsettled.has(id)).map(record => [keyOf(record), { ...record, unsettled: true }]),
  )
}
