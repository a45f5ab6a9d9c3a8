import type { NameAndEnv } from '../../../src/domain/data-source.ts'
import type { Caller } from '../../../src/ports/caller.ts'
import type { FindAudit, LookupAudit, LookupFailure, NameLookupAudit, Ref } from '../../../src/ports/lookup.ts'
import type { ListFilter, ListQuery, LocatedDataSource, Records } from '../../../src/ports/records.ts'
import { recordDone, recordRefused } from './audit.ts'
import { authorize } from './authorize.ts'
import {
  isReferredTo,
  isSameName,
  liveRows,
  type MemoryDatabase,
  type MemoryIntent,
  type MemoryRow,
  nameHolder,
  toDataSource,
  unclosed,
} from './database.ts'

type Answer<M extends keyof Records> = Awaited<ReturnType<Records[M]>>

export function find(
  db: MemoryDatabase,
  client: string,
  request: { caller: Caller; ref: Ref; audit: FindAudit | undefined },
) {
  const { caller, ref, audit } = request
  const who = authorize(db, caller)
  const target = findOne(db, who.denied ? null : who.organizationId, ref)
  const action = audit?.replace(/^(refused|failed) /, '') ?? ''
  const event = { eventId: crypto.randomUUID(), action, caller, client, fields: [] }
  if (audit && !('row' in target)) recordRefused(db, event, who, ref.text)
  else if (audit && 'row' in target && !audit.startsWith('refused ')) {
    recordDone(db, event, who, { dataSourceId: target.row.id, dataSourceName: target.row.name })
  }
  const answer = 'row' in target ? ({ kind: 'found', record: toDataSource(db, target.row) } as const) : target
  return (who.denied ?? answer) satisfies Answer<'find'>
}

/** The live row that a REF means, or why there is not exactly one. */
export function findOne(
  db: MemoryDatabase,
  organizationId: string | null,
  ref: Ref,
): { row: MemoryRow } | LookupFailure {
  const live = organizationId === null ? [] : liveRows(db, organizationId)
  const byId = live.filter(row => row.id === ref.text.toLowerCase())
  const targets = (byId.length > 0 ? byId : live).filter(row => isReferredTo(row, ref))
  const [row] = targets
  if (!row) return { kind: 'not found' }
  if (targets.length === 1) return { row }
  const candidates = targets.map(({ id, name, env }) => ({ id, name, env }))
  return { kind: 'ambiguous', candidates: candidates.sort((a, b) => (a.env < b.env ? -1 : 1)) }
}

export function findName(
  db: MemoryDatabase,
  client: string,
  request: { caller: Caller; name: NameAndEnv; audit: NameLookupAudit | undefined },
) {
  const { caller, audit } = request
  const { name, env } = request.name
  const who = authorize(db, caller)
  const { denied, organizationId } = who
  const holder = organizationId === null ? undefined : nameHolder(db, { organizationId, name, env })
  const event = audit && { ...audit, caller, client, fields: [] }
  if (event && (denied || (holder && event.failsIfTaken))) recordRefused(db, event, who, name)
  else if (event?.outcome) recordDone(db, event, who, { dataSourceName: name })
  if (denied) return denied
  const answer = holder ? ({ kind: 'taken', id: holder.id, name, env } as const) : ({ kind: 'free' } as const)
  return answer satisfies Answer<'findName'>
}

export function findNamed(
  db: MemoryDatabase,
  client: string,
  { caller, names, audit }: { caller: Caller; names: readonly NameAndEnv[]; audit: LookupAudit | undefined },
) {
  const who = authorize(db, caller)
  const { denied, organizationId } = who
  if (denied && audit) recordRefused(db, { ...audit, caller, client, fields: [] }, who, null)
  const at = String(db.now)
  if (denied || organizationId === null) return denied ?? ({ kind: 'found', records: [], unsettled: [], at } as const)
  const rows = liveRows(db, organizationId).filter(row =>
    names.some(({ name, env }) => isSameName(row.name, name) && row.env === env),
  )
  const unsettled = rows.flatMap(({ id }) => (unclosed(db, intent => intent.dataSourceId === id) ? [id] : []))
  return {
    kind: 'found',
    records: rows.map(({ id, secretId, organizationId, name, type, env }) => {
      return { id, secretId, organizationId, name, type, env }
    }),
    unsettled,
    at,
  } as const satisfies Answer<'findNamed'>
}

/** `closedAt` is the time at which each intent was closed. */
export function unsettledSince(
  db: MemoryDatabase,
  closedAt: ReadonlyMap<string, number>,
  request: { ids: readonly string[]; at: string },
): Answer<'unsettledSince'> {
  const isUnsettled = ({ id, state, outcome }: MemoryIntent) =>
    state !== 'closed' || (outcome !== 'done' && (closedAt.get(id) ?? 0) >= Number(request.at))
  return request.ids.filter(id => db.intents.some(intent => intent.dataSourceId === id && isUnsettled(intent)))
}

export function list(
  db: MemoryDatabase,
  client: string,
  { caller, query, audit }: { caller: Caller; query: ListQuery; audit: LookupAudit | undefined },
) {
  const who = authorize(db, caller)
  const { denied, organizationId } = who
  if (denied && audit) recordRefused(db, { ...audit, caller, client, fields: [] }, who, null)
  const found = organizationId === null ? [] : liveRows(db, organizationId).filter(row => matches(row, query))
  const begin = query.page * query.pageSize
  const items = found
    .slice(begin, begin + query.pageSize)
    .map(({ id, name, type, env, onboardingStatus, updatedAt }) => {
      return { id, name, type, env, onboardingStatus, updatedAt: new Date(updatedAt).toISOString() }
    })
  const page = { kind: 'page' as const, items, more: found.length > begin + query.pageSize }
  return (denied ?? page) satisfies Answer<'list'>
}

/** Passes pages of a snapshot, which is copied before the first page. */
export async function listAll(
  db: MemoryDatabase,
  {
    caller,
    filter,
    take,
  }: { caller: Caller; filter: ListFilter; take: (page: LocatedDataSource[]) => Promise<boolean> },
) {
  const { denied, organizationId } = authorize(db, caller)
  if (denied || organizationId === null) return denied ?? ({ kind: 'listed' } as const)
  const found = liveRows(db, organizationId).filter(row => matches(row, filter))
  const items = found.map(({ id, secretId, name, type, env, onboardingStatus, updatedAt }) => ({
    ...{ id, secretId, organizationId, name, type, env, onboardingStatus },
    updatedAt: new Date(updatedAt).toISOString(),
  }))
  while (items.length && (await take(items.splice(0, 500)))) {}
  return { kind: 'listed' } as const satisfies Answer<'listAll'>
}

export function listEnvs(db: MemoryDatabase, caller: Caller) {
  const { denied, organizationId } = authorize(db, caller)
  const envs = organizationId === null ? [] : liveRows(db, organizationId).map(({ env }) => env)
  return (denied ?? { kind: 'envs' as const, envs: [...new Set(envs)].sort() }) satisfies Answer<'listEnvs'>
}

function matches(row: MemoryRow, { types, envs, statuses, search }: ListFilter): boolean {
  const matchesFilter = (filter: readonly string[], value: string) => filter.length === 0 || filter.includes(value)
  const named = search === undefined || row.name.toLowerCase().includes(search.toLowerCase())
  return (
    named &&
    matchesFilter(types, row.type) &&
    matchesFilter(envs, row.env) &&
    matchesFilter(statuses, row.onboardingStatus)
  )
}
