import type { Caller } from '../../../src/ports/caller.ts'
import type { NewUpdate, PlainUpdate } from '../../../src/ports/record-steps.ts'
import type { Records } from '../../../src/ports/records.ts'
import { recordDone, recordOutcome, recordRefused } from './audit.ts'
import { authorize } from './authorize.ts'
import { unreachable } from './create.ts'
import {
  isSameName,
  type MemoryDatabase,
  type MemoryRow,
  nameHolder,
  toDataSource,
  toIntent,
  unclosed,
} from './database.ts'
import { findOne } from './find.ts'

type Answer<M extends keyof Records> = Awaited<ReturnType<Records[M]>>
type Names = { readonly name: string | undefined; readonly env: string | undefined }

export function updatePlain(
  db: MemoryDatabase,
  client: string,
  { caller, update }: { caller: Caller; update: PlainUpdate },
): Answer<'updatePlain'> {
  const { eventId, ref } = update
  const who = authorize(db, caller)
  const event = { eventId, action: 'update', caller, client, fields: plainFields(update) }
  const before = db.events.find(({ id, outcome }) => id === eventId && outcome === 'done')
  const written = before && db.rows.find(({ id }) => id === before.dataSourceId)
  if (who.denied) recordRefused(db, event, who, ref.text)
  if (before && written) return { kind: 'done', record: toDataSource(db, written), fields: before.fields }
  if (who.denied) return who.denied
  const target = findOne(db, who.organizationId, ref)
  const blocker = 'row' in target ? findBlocker(db, target.row, update) : target
  if (blocker && blocker.kind !== 'busy') recordRefused(db, event, who, ref.text)
  if (blocker || !('row' in target)) return blocker ?? unreachable()
  const { row } = target
  const old = { name: row.name, env: row.env }
  const now = { name: update.name ?? row.name, env: update.env ?? row.env }
  if (now.name === old.name && now.env === old.env) return { kind: 'unchanged', record: toDataSource(db, row) }
  write(db, row, now)
  const changed = (['name', 'env'] as const).filter(field => now[field] !== old[field])
  recordDone(db, { ...event, fields: changed }, who, {
    dataSourceId: row.id,
    dataSourceName: old.name,
    before: old,
    after: now,
  })
  return { kind: 'done', record: toDataSource(db, row), fields: changed }
}

export function beginUpdate(
  db: MemoryDatabase,
  client: string,
  { caller, update }: { caller: Caller; update: NewUpdate },
): Answer<'beginUpdate'> {
  const { intentId, ref } = update
  const who = authorize(db, caller)
  const fields = [...plainFields(update), ...update.fields]
  const event = { eventId: intentId, action: 'update', caller, client, fields }
  const own = db.intents.find(({ id }) => id === intentId)
  if (who.denied) recordRefused(db, event, who, ref.text)
  if (own) {
    const row = db.rows.find(({ id, deleted }) => id === own.dataSourceId && !deleted)
    return { kind: 'already recorded', intent: toIntent(db, own), record: row ? toDataSource(db, row) : null }
  }
  if (who.denied || who.userId === null) return who.denied ?? unreachable()
  const target = findOne(db, who.organizationId, ref)
  const blocker = 'row' in target ? findBlocker(db, target.row, update) : target
  if (blocker && blocker.kind !== 'busy') recordRefused(db, event, who, ref.text)
  if (blocker || !('row' in target)) return blocker ?? unreachable()
  const { id, secretId, organizationId, name, env } = target.row
  const renamed = isRenamed(target.row, update)
  db.intents.push({
    ...{ id: intentId, kind: 'update', state: 'open', outcome: null, dataSourceId: id, secretId, organizationId },
    ...{ oldName: name, newName: renamed ? (update.name ?? name) : null, newEnv: renamed ? (update.env ?? env) : null },
    ...{ fields, actorId: who.userId, actorEmail: caller.email, actorSource: caller.identitySource, client },
    ...{ baseVersion: null, createdAt: db.now, expiresAt: db.now + update.lease * 1000 },
  })
  return { kind: 'begun', record: toDataSource(db, target.row) }
}

export function recordBaseVersion(
  db: MemoryDatabase,
  { intentId, version }: { intentId: string; version: number },
): Answer<'recordBaseVersion'> {
  const intent = db.intents.find(({ id, state }) => id === intentId && state === 'open')
  if (!intent) return 'changed'
  intent.baseVersion = version
  return 'ok'
}

export function commitUpdate(
  db: MemoryDatabase,
  { intentId, fields }: { intentId: string; fields: readonly string[] },
): Answer<'commitUpdate'> {
  const intent = db.intents.find(({ id, state }) => id === intentId && state === 'open')
  if (!intent) return { kind: 'changed' }
  const row = db.rows.find(({ id, deleted }) => id === intent.dataSourceId && !deleted)
  if (!row) return { kind: 'gone' }
  const named = <T>(field: string, value: T | null, present: T) =>
    intent.fields.includes(field) ? (value ?? present) : present
  const now = { name: named('name', intent.newName, row.name), env: named('env', intent.newEnv, row.env) }
  const taken = nameHolder(db, { ...now, organizationId: row.organizationId })
  if (taken && taken.id !== row.id) {
    return { kind: 'taken', id: taken.id, name: intent.newName ?? undefined, env: intent.newEnv ?? undefined }
  }
  const before = { name: row.name, env: row.env }
  write(db, row, now)
  Object.assign(intent, { state: 'closed', outcome: 'done' })
  recordOutcome(db, intent, { outcome: 'done', fields, before, after: now })
  return { kind: 'done', record: toDataSource(db, row) }
}

function findBlocker(db: MemoryDatabase, row: MemoryRow, names: Names) {
  const renamed = isRenamed(row, names)
  const { id, organizationId } = row
  const wanted = { name: names.name ?? row.name, env: names.env ?? row.env }
  const holder = unclosed(db, intent => {
    const sameName = isSameName(intent.newName, wanted.name) && intent.newEnv === wanted.env
    return intent.organizationId === organizationId && (intent.dataSourceId === id || (renamed && sameName))
  })
  if (holder) return { kind: 'busy' as const, intent: holder }
  const taken = renamed ? nameHolder(db, { organizationId, ...wanted }) : undefined
  return taken && { kind: 'taken' as const, id: taken.id, name: names.name, env: names.env }
}

function isRenamed(row: MemoryRow, { name, env }: Names): boolean {
  return (name ?? row.name) !== row.name || (env ?? row.env) !== row.env
}

function plainFields({ name, env }: Names): string[] {
  return [...(name === undefined ? [] : ['name']), ...(env === undefined ? [] : ['env'])]
}

function write(db: MemoryDatabase, row: MemoryRow, now: { name: string; env: string }): void {
  Object.assign(row, { ...now, updatedAt: db.now, writes: row.writes + 1 })
}
