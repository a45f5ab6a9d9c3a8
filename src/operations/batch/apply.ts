import type { NameAndEnv } from '../../domain/data-source.ts'
import { DsctlError } from '../../domain/errors.ts'
import { completeCredentials } from '../../source-types/check-rules.ts'
import { getSourceType } from '../../source-types/index.ts'
import { createIfAbsent } from '../create-if-absent.ts'
import { deleteDataSource } from '../delete.ts'
import { interruptionError } from '../interruption.ts'
import type { Stores } from '../stores.ts'
import type { TestOptions } from '../test-connection.ts'
import { update } from '../update.ts'
import { updateVerified } from '../verify.ts'
import { type Existing, findUnsettledSince } from './existing.ts'
import { type BatchItem, keyOf } from './item.ts'
import { type ItemError, itemError } from './item-error.ts'
import { planItem } from './plan.ts'
import { runInChunks } from './run-chunks.ts'
import { runInParallel } from './run-in-parallel.ts'

/** What has become of one data source of a batch. */
export interface AppliedItem {
  readonly name: string
  readonly env: string
  readonly action: 'created' | 'updated' | 'unchanged' | 'deleted' | 'failed'
  readonly id: string | null
  readonly error: ItemError | null
}

export interface ApplyOptions {
  /** The records that are there already, by `keyOf`. */
  readonly existing: ReadonlyMap<string, Existing>
  readonly parallel: number
  /** Where nothing may be written that does not connect. */
  readonly testing: TestOptions | undefined
  readonly told: (done: number) => void
}

type PruneTarget = NameAndEnv & { readonly id: string }

/** Applies a batch, and then deletes what is in no file any more: not where an item failed, or someone interrupts. */
export async function applyBatch(
  stores: Stores,
  { items, superfluous }: { items: readonly BatchItem[]; superfluous: readonly PruneTarget[] },
  how: ApplyOptions,
): Promise<readonly AppliedItem[]> {
  const applied = await applyAll(stores, items, how)
  if (applied.some(isFailed) || stores.interrupted()) return applied
  const { parallel, told } = how
  return [...applied, ...(await pruneAll(stores, superfluous, { parallel, told: done => told(items.length + done) }))]
}

/** Whether it is not as its item says. */
export function isFailed({ action }: AppliedItem): boolean {
  return action === 'failed'
}

/**
 * Makes data sources be as the items say, each by itself as create and update would: what fails does not keep the
 * others from being done. Where the stores stay away, or someone interrupts, the rest is not begun.
 */
async function applyAll(
  stores: Stores,
  items: readonly BatchItem[],
  how: ApplyOptions,
): Promise<readonly AppliedItem[]> {
  const applied = await applyOnce(stores, items, how)
  const unchanged = items.filter((_, at) => applied[at]?.action === 'unchanged')
  let again: ReadonlyMap<string, Existing>
  try {
    again = await findUnsettledSince(stores, unchanged, how.existing)
  } catch (error) {
    if (!(error instanceof DsctlError)) throw error
    const why = itemError(error)
    return applied.map(each => (each.action === 'unchanged' ? { ...each, action: 'failed', error: why } : each))
  }
  if (again.size === 0) return applied
  const toDo = unchanged.filter(item => again.has(keyOf(item)))
  const redone = await applyOnce(stores, toDo, { ...how, existing: again, told: () => {} })
  return applied.map((each, at) => redone[toDo.indexOf(items[at] as BatchItem)] ?? each)
}

function applyOnce(stores: Stores, items: readonly BatchItem[], how: ApplyOptions): Promise<readonly AppliedItem[]> {
  return runItems(stores, items, how, async (stores, item) => {
    const existing = how.existing.get(keyOf(item))
    return existing ? updateItem(stores, item, { existing, how }) : createItem(stores, item, how)
  })
}

/** Deletes what is in no file any more, likewise. */
function pruneAll(
  stores: Stores,
  records: readonly PruneTarget[],
  how: Omit<ApplyOptions, 'existing' | 'testing'>,
): Promise<readonly AppliedItem[]> {
  return runItems(stores, records, { ...how, testing: undefined }, async (stores, { id }) => {
    await deleteDataSource(stores, { text: id, env: undefined })
    return { action: 'deleted', id }
  })
}

type ItemResult = Pick<AppliedItem, 'action' | 'id'>

async function createItem(stores: Stores, item: BatchItem, { testing }: ApplyOptions): Promise<ItemResult> {
  const { name, env, type } = item
  const request = { name, env, type, credentials: completeCredentials(getSourceType(type), item.fields) }
  // Another may have created it meanwhile: then what the request leaves out stays, and is not set to its default.
  const how = { ifExists: 'update', dryRun: false, testing, given: item.fields } as const
  const { action, record } = await createIfAbsent(stores, request, how)
  return { action: action === 'created' || action === 'updated' ? action : 'unchanged', id: record.id }
}

async function updateItem(
  stores: Stores,
  item: BatchItem,
  { existing, how }: { existing: Existing; how: ApplyOptions },
): Promise<ItemResult> {
  const { id } = existing
  // What is unfinished is settled first, which an update does: what it has written may yet be taken back.
  const settled = !existing.unsettled
  const { testing } = how
  if (!settled && testing) throw unfinished(existing)
  if (settled && (await planItem(stores, item, existing)).action === 'none') return { action: 'unchanged', id }
  const expected = { id: undefined, type: settled ? undefined : item.type } // plan has seen the type
  const none = { name: undefined, env: undefined, unset: [], expected }
  const request = { ...none, ref: { text: id, env: undefined }, fields: item.fields }
  const { changed } = await (testing
    ? updateVerified(stores, request, { testing, preview: false, readBack: false })
    : update(stores, request, { readBack: false }))
  return { action: changed.length ? 'updated' : 'unchanged', id }
}

function unfinished({ id }: Existing): DsctlError {
  return new DsctlError('conflict', 'Another change of it is unfinished, so what would be tested is not known yet.', {
    hint: 'Run it again in a moment; dsctl doctor --fix settles what was left unfinished.',
    id,
  })
}

async function runItems<T extends { readonly name: string; readonly env: string; readonly id?: string }>(
  stores: Stores,
  items: readonly T[],
  { parallel, testing, told }: Pick<ApplyOptions, 'parallel' | 'testing' | 'told'>,
  work: (stores: Stores, item: T) => Promise<ItemResult>,
): Promise<readonly AppliedItem[]> {
  let done = 0
  let away = 0
  let why: DsctlError | undefined
  const one = async (stores: Stores, item: T): Promise<AppliedItem> => {
    const { name, env } = item
    try {
      const stopped = stores.interrupted()
      if (stopped) throw interruptionError(stopped)
      if (why && away >= parallel) throw notStarted(why)
      const ended = await work(stores, item)
      away = 0
      return { name, env, ...ended, error: null }
    } catch (error) {
      if (!(error instanceof DsctlError)) throw error
      if (error.code === 'unavailable') {
        away++
        why ??= error
      }
      return { name, env, action: 'failed' as const, id: item.id ?? error.details.id ?? null, error: itemError(error) }
    } finally {
      told(++done)
    }
  }
  // A test of a connection takes as long as it takes, and a person counts on how many there are at a time.
  if (testing) return runInParallel(items, parallel, item => one(stores, item))
  return runInChunks(stores, items, { parallel, work: one })
}

// Each waits as long as the time-out says: a thousand that all wait in vain would take hours.
function notStarted(why: DsctlError): DsctlError {
  return new DsctlError('unavailable', `Not begun, since the stores do not answer: ${why.message}`, { outcome: 'none' })
}
