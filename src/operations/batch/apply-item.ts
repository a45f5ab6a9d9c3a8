import { keyOf } from '../../domain/data-source.ts'
import { DsctlError } from '../../domain/errors.ts'
import { completeCredentials } from '../../source-types/complete-credentials.ts'
import { getSourceType } from '../../source-types/index.ts'
import { createIfAbsent } from '../create-if-absent.ts'
import type { Stores } from '../stores.ts'
import type { TestOptions } from '../test-connection.ts'
import { update } from '../update.ts'
import { updateVerified } from '../verify.ts'
import type { Existing } from './existing.ts'
import type { BatchItem } from './item.ts'
import { planItem } from './plan.ts'
import type { ItemResult } from './run-items.ts'

export interface ApplyOptions {
  /** The records that exist already, by `keyOf`. */
  readonly existing: ReadonlyMap<string, Existing>
  readonly parallel: number
  /** With --verify: how to test a connection before anything is written. */
  readonly testing: TestOptions | undefined
  /** Called with the number of finished items. */
  readonly onProgress: (done: number) => void
}

/** Creates or updates one data source as `create` and `update` do, or leaves it unchanged. */
export function applyItem(stores: Stores, item: BatchItem, options: ApplyOptions): Promise<ItemResult> {
  const existing = options.existing.get(keyOf(item))
  return existing ? updateItem(stores, item, { existing, options }) : createItem(stores, item, options)
}

async function createItem(stores: Stores, item: BatchItem, { testing }: ApplyOptions): Promise<ItemResult> {
  const { name, env, type } = item
  const request = { name, env, type, credentials: completeCredentials(getSourceType(type), item.fields) }
  // If someone else has created it in the meantime, fields that the request omits keep their values, not the defaults.
  const options = { ifExists: 'update', dryRun: false, testing, given: item.fields } as const
  const { action, record } = await createIfAbsent(stores, request, options)
  return { action: action === 'created' || action === 'updated' ? action : 'unchanged', id: record.id }
}

async function updateItem(
  stores: Stores,
  item: BatchItem,
  { existing, options }: { existing: Existing; options: ApplyOptions },
): Promise<ItemResult> {
  const { id } = existing
  // The stored credentials of an unsettled record may still be rolled back, so do not compare with them. Updating it
  // settles it first.
  const settled = !existing.unsettled
  const { testing } = options
  if (!settled && testing) throw unsettledError(existing)
  if (settled && (await planItem(stores, item, existing)).action === 'none') return { action: 'unchanged', id }
  const expected = { id: undefined, type: settled ? undefined : item.type } // planItem has checked the type
  const none = { name: undefined, env: undefined, unset: [], expected }
  const request = { ...none, ref: { text: id, env: undefined }, fields: item.fields }
  const { changed } = await (testing
    ? updateVerified(stores, request, { testing, preview: false, readBack: false })
    : update(stores, request, { readBack: false }))
  return { action: changed.length ? 'updated' : 'unchanged', id }
}

function unsettledError({ id }: Existing): DsctlError {
  return new DsctlError(
    'conflict',
    'Another change of the data source is unfinished, so the new credentials cannot be tested yet.',
    {
      hint: 'Run the command again in a moment. If the process of the other change has died, run dsctl doctor --fix.',
      id,
    },
  )
}
