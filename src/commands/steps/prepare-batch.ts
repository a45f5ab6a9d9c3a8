import type { Context } from '../../cli/context.ts'
import { setV8Flag } from '../../lib/v8-flags.ts'
import { MAY } from '../../operations/authorize.ts'
import { type Existing, findExisting } from '../../operations/batch/existing.ts'
import type { BatchItem } from '../../operations/batch/item.ts'
import { DEFAULT_PARALLEL, DEFAULT_PRUNE_MAX, MAX_PARALLEL } from '../../operations/batch/limits.ts'
import { checkPruneRequests, findPruneTargets, pruneLimitError } from '../../operations/batch/prune.ts'
import { checkCanDelete } from '../../operations/delete.ts'
import type { Stores } from '../../operations/stores.ts'
import { findTemplates } from '../../operations/template.ts'
import type { NamedRecord } from '../../ports/records.ts'
import {
  type BatchRequest,
  checkAcceptedTypes,
  type FoundTemplates,
  readBatch,
  templateNames,
} from '../../requests/batch.ts'
import { type BatchDocument, readBatchFiles } from '../../requests/batch-files.ts'
import { type BatchOptions, type BatchSettings, readBatchOptions } from '../../requests/batch-options.ts'
import { fetchBatchSecrets } from '../../requests/batch-secrets.ts'
import { warnAboutNames } from '../../requests/warn-about-names.ts'

/** A batch that is valid, permitted and complete. */
export interface PreparedBatch {
  readonly stores: Stores
  readonly items: readonly BatchItem[]
  /** The existing records of the items, by `keyOf`. */
  readonly existing: ReadonlyMap<string, Existing>
  /** The data sources to delete because no file contains them. */
  readonly pruneTargets: readonly NamedRecord[]
  readonly parallel: number
}

/**
 * Reads and validates a batch, checks that it is permitted, and fetches its secrets. A denial is audited under
 * `action`. Throws `invalid` with every problem. For too many deletions, `apply` throws and `diff` only warns.
 */
export async function prepareBatch(
  context: Context,
  options: BatchOptions,
  action: 'apply' | 'diff',
): Promise<PreparedBatch> {
  const settings = readBatchOptions(context, options, LIMITS)
  const requests = await readRequests(context, settings, action)
  if (settings.prune) checkPruneRequests(requests)
  // Not earlier: parsing benefits from optimized code. From here on, the servers need the CPU more.
  setV8Flag('optimizeLate')
  const stores = await context.stores(MAY.change, settings.prune ? checkCanDelete : undefined)
  const { existing, types } = await findExisting(stores, requests, action)
  checkAcceptedTypes(requests, types)
  const items = await fetchBatchSecrets(context, requests, {
    existing,
    pathOf: record => stores.secrets.pathOf(record),
    allowFrom: settings.allowFrom,
    allowPlaceholder: settings.allowPlaceholder,
  })
  const pruneTargets = await findWithinLimit(context, stores, { requests, settings, action })
  return { stores, items, existing, pruneTargets, parallel: settings.parallel }
}

const LIMITS = { parallel: DEFAULT_PARALLEL, maxParallel: MAX_PARALLEL, pruneMax: DEFAULT_PRUNE_MAX }

async function readRequests(
  context: Context,
  settings: BatchSettings,
  action: 'apply' | 'diff',
): Promise<readonly BatchRequest[]> {
  const documents = await readBatchFiles(settings.files, context.readStdin)
  const requests = readBatch(documents, await findNamedTemplates(context, documents, action), settings)
  warnAboutNames(
    context,
    documents.map(({ where, raw }) => ({ where, name: raw.name })),
  )
  return requests
}

async function findNamedTemplates(
  context: Context,
  documents: readonly BatchDocument[],
  action: 'apply' | 'diff',
): Promise<FoundTemplates> {
  const names = templateNames(documents)
  if (names.length === 0) return { found: new Map(), suggest: () => undefined }
  return findTemplates(await context.templates(MAY.change), names, action)
}

async function findWithinLimit(
  context: Context,
  stores: Stores,
  batch: { requests: readonly BatchRequest[]; settings: BatchSettings; action: 'apply' | 'diff' },
): Promise<readonly NamedRecord[]> {
  const { requests, settings, action } = batch
  if (!settings.prune) return []
  const pruneTargets = await findPruneTargets(stores, requests, settings.prune)
  const error = pruneLimitError(pruneTargets, settings.prune)
  if (error && action === 'apply') throw error
  if (error) context.warn(`${error.message} apply would refuse this.`)
  return pruneTargets
}
