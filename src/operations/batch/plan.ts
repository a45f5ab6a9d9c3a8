import { keyOf } from '../../domain/data-source.ts'
import { invalid } from '../../domain/errors.ts'
import type { Credentials } from '../../domain/secret.ts'
import type { NamedRecord } from '../../ports/records.ts'
import { completeCredentials } from '../../source-types/complete-credentials.ts'
import { getSourceType } from '../../source-types/index.ts'
import { isAlreadyStored } from '../../source-types/merge-update.ts'
import { outputName, redactCredentials } from '../../source-types/redact.ts'
import { mergeFields } from '../merge-fields.ts'
import type { Stores } from '../stores.ts'
import { retry } from '../two-stores/retry.ts'
import type { BatchItem } from './item.ts'
import { runInParallel } from './run-in-parallel.ts'

/** A field that differs. The values of a secret field are not included. */
export interface FieldDifference {
  readonly field: string
  readonly secret: boolean
  /** Null if not set, or secret. */
  readonly before: unknown
  readonly after: unknown
}

/** The changes that make a data source match an item. */
export interface ItemPlan {
  readonly action: 'create' | 'update' | 'none'
  readonly differences: readonly FieldDifference[]
}

/** Compares an item with what is stored. Throws `invalid` if the item cannot be applied. */
export async function planItem(stores: Stores, item: BatchItem, existing: NamedRecord | undefined): Promise<ItemPlan> {
  if (!existing) {
    const after = completeCredentials(getSourceType(item.type), item.fields)
    const fields = Object.keys(after).filter(name => name !== 'type')
    return { action: 'create', differences: differences(item.type, fields, { before: {}, after }) }
  }
  if (existing.type !== item.type) throw typeMismatch(item, existing)
  const read = await retry(stores, () => stores.secrets.read(existing))
  if (read.kind !== 'answered') throw read.error
  const stored = read.answer.data
  if (stored && isAlreadyStored(getSourceType(item.type), stored, item.fields))
    return { action: 'none', differences: [] }
  const { merged, changed } = await mergeFields({ fields: item.fields, unset: [] }, item.type, stored)
  if (stored && changed.length === 0) return { action: 'none', differences: [] }
  return { action: 'update', differences: differences(item.type, changed, { before: stored ?? {}, after: merged }) }
}

/** Plans every item, at most `parallel` at once. The plans are in the order of the items. */
export function planItems(
  stores: Stores,
  items: readonly BatchItem[],
  { existing, parallel }: { existing: ReadonlyMap<string, NamedRecord>; parallel: number },
): Promise<readonly ItemPlan[]> {
  return runInParallel(items, parallel, item => planItem(stores, item, existing.get(keyOf(item))))
}

function differences(
  typeName: string,
  names: readonly string[],
  { before, after }: { before: Credentials; after: Credentials },
): readonly FieldDifference[] {
  const type = getSourceType(typeName)
  const [shownBefore, shownAfter] = [redactCredentials(type, before), redactCredentials(type, after)]
  return names.flatMap(name => {
    const field = type.fields[name]
    if (!field) return []
    const value = (shown: typeof shownBefore) => (field.secret ? null : (shown[outputName(name, field)] ?? null))
    return [{ field: name, secret: field.secret, before: value(shownBefore), after: value(shownAfter) }]
  })
}

function typeMismatch({ name, env, type }: BatchItem, record: NamedRecord) {
  return invalid(`${name} exists in env ${env} as a ${record.type}, not a ${type}.`, [
    { field: 'type', message: `is ${record.type} and cannot be changed` },
  ])
}
