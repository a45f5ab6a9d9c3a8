import type { Context } from '../cli/context.ts'
import { type FieldProblem, invalid } from '../domain/errors.ts'
import { setV8Flag } from '../lib/v8-flags.ts'
import { MAY } from '../operations/authorize.ts'
import { type Existing, findExisting } from '../operations/batch/existing.ts'
import { listLiveRecords } from '../operations/batch/export.ts'
import { type BatchItem, keyOf } from '../operations/batch/item.ts'
import { type ItemPlan, planItem } from '../operations/batch/plan.ts'
import { runInParallel } from '../operations/batch/run-in-parallel.ts'
import { checkCanDelete } from '../operations/delete.ts'
import type { Stores } from '../operations/stores.ts'
import type { NamedRecord } from '../ports/records.ts'
import { fetchBatch, readBatch } from './batch.ts'

/** A batch that is valid, permitted and complete, and what it is to be compared with. */
export interface PreparedBatch {
  readonly stores: Stores
  readonly items: readonly BatchItem[]
  /** By `keyOf`. */
  readonly existing: ReadonlyMap<string, Existing>
  /** What is in no file and is to go. */
  readonly superfluous: readonly NamedRecord[]
}

/**
 * Reads, judges and completes the batch that the command line names. Throws `invalid` with every problem; where the caller
 * may not, the audit trail tells that of `action`.
 */
export async function prepareBatch(
  context: Context,
  args: readonly string[],
  action: 'apply' | 'diff',
): Promise<PreparedBatch> {
  const { flags } = context
  const files = Array.isArray(flags.file) ? flags.file.map(String) : []
  const envs = envsIn(args)
  const prune = flags.prune === true || flags.pruneAll === true
  checkPrune(context, { prune, envs })
  const env = envs.length > 1 ? undefined : context.settings().get('env')
  const requests = await readBatch(context, files, { env, envs, action })
  if (prune && requests.length === 0) throw invalid('With no requests at all, --prune would delete everything.')
  setV8Flag('compileLate') // not before all is read: until then no server needs the cores
  const stores = await context.stores(MAY.change, prune ? checkCanDelete : undefined)
  const existing = await findExisting(stores, requests, action)
  const pathOf = (record: NamedRecord) => stores.secrets.pathOf(record)
  const items = await fetchBatch(context, requests, { existing, pathOf })
  const superfluous = prune ? await superfluousOf(stores, { requests, envs }) : []
  const most = wholeNumber('prune-max', flags.pruneMax ?? 10, [0, 1_000_000])
  if (superfluous.length > most) {
    const tooMany = `${superfluous.length} data sources are in no file, more than --prune-max ${most}`
    if (action === 'apply') throw invalid(`${tooMany}.`, [], MORE)
    context.warn(`${tooMany}: apply would refuse.`)
  }
  return { stores, items, existing, superfluous }
}

/** What has to be done with each item; nothing is written. */
export function plansOf(context: Context, { stores, items, existing }: PreparedBatch): Promise<readonly ItemPlan[]> {
  return runInParallel(items, parallelOf(context), item => planItem(stores, item, existing.get(keyOf(item))))
}

const MORE = 'Nothing was written. dsctl diff --prune shows them; raise --prune-max if they may all go.'

/** How many items are worked on at a time. */
export function parallelOf(context: Context): number {
  return wholeNumber('parallel', context.flags.parallel ?? 16, [1, 128])
}

async function superfluousOf(
  stores: Stores,
  { requests, envs }: { requests: readonly { name: string; env: string }[]; envs: readonly string[] },
): Promise<readonly NamedRecord[]> {
  const wanted = new Set(requests.map(keyOf))
  const inEnvs = envs.length ? envs : [undefined]
  const found = (await Promise.all(inEnvs.map(env => listLiveRecords(stores, { env, type: undefined })))).flat()
  return found.filter(record => !wanted.has(keyOf(record)))
}

function checkPrune({ flags }: Context, { prune, envs }: { prune: boolean; envs: readonly string[] }): void {
  const problems: FieldProblem[] = []
  if (flags.prune === true && flags.pruneAll !== true && envs.length === 0) {
    problems.push({ field: 'prune', message: 'needs --env ENV, within which it deletes, or --prune-all' })
  }
  if (!prune && flags.pruneMax !== undefined) problems.push({ field: 'prune-max', message: 'makes sense with --prune' })
  if (problems.length) throw invalid('The command line cannot be used like this.', problems)
}

/** Every `--env` of the command line: here it may be given several times. */
function envsIn(args: readonly string[]): readonly string[] {
  const envs = args.flatMap((arg, at) => {
    const value = arg === '--env' ? args[at + 1] : /^--env=(.*)$/s.exec(arg)?.[1]
    return value === undefined ? [] : [value]
  })
  return [...new Set(envs)]
}

function wholeNumber(field: string, value: unknown, [least, most]: readonly [number, number]): number {
  const number = /^\d{1,7}$/.test(String(value)) ? Number(value) : -1
  if (number >= least && number <= most) return number
  throw invalid('The command line cannot be used like this.', [
    { field, message: `must be a whole number from ${least} to ${most}` },
  ])
}
