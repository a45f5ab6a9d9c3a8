import type { ClosingIntent } from '../../../src/ports/intent.ts'
import type { NewCreate, NewDelete, NewUpdate } from '../../../src/ports/record-steps.ts'
import type { RecordBatches, Records } from '../../../src/ports/records.ts'
import { recordOutcome } from './audit.ts'
import { beginCreate, commitCreate } from './create.ts'
import { type MemoryDatabase, toIntent } from './database.ts'
import { beginDelete } from './delete.ts'
import { find, findName, findNamed, list, listAll, listEnvs, unsettledSince } from './find.ts'
import { beginUpdate, commitUpdate, recordBaseVersion, updatePlain } from './update.ts'

/** Records and intents as plain data. Does what Postgres does for each statement, one at a time. */
export function memoryRecords(db: MemoryDatabase, client: string): Records {
  const statement = async <T>(run: () => T): Promise<T> => {
    db.now += db.tick
    return run()
  }
  const each =
    <I, A>(one: (item: I) => A) =>
    (items: readonly I[]) =>
      statement(() => items.map(one))
  // Not in the database: the protocol search would take each closing time for a different state.
  const closedAt = new Map<string, number>()
  const closeNow = (intent: ClosingIntent) => {
    closedAt.set(intent.id, db.now)
    return close(db, intent)
  }
  const batches: RecordBatches = {
    beginCreates: (caller, creates) =>
      each((create: NewCreate) => beginCreate(db, client, { caller, create }))(creates),
    commitCreates: each(row => commitCreate(db, row)),
    beginUpdates: (caller, updates) =>
      each((update: NewUpdate) => beginUpdate(db, client, { caller, update }))(updates),
    recordBaseVersions: each(version => recordBaseVersion(db, version)),
    commitUpdates: each(update => commitUpdate(db, update)),
    beginDeletes: (caller, removes) =>
      each((remove: NewDelete) => beginDelete(db, client, { caller, remove }))(removes),
    closeAll: each(closeNow),
  }
  return {
    ...batches,
    list: (caller, query, audit) => statement(() => list(db, client, { caller, query, audit })),
    listAll: (caller, filter, take) => listAll(db, { caller, filter, take }),
    listEnvs: caller => statement(() => listEnvs(db, caller)),
    find: (caller, ref, { audit } = {}) => statement(() => find(db, client, { caller, ref, audit })),
    findName: (caller, name, audit) => statement(() => findName(db, client, { caller, name, audit })),
    findNamed: (caller, names, audit) => statement(() => findNamed(db, client, { caller, names, audit })),
    unsettledSince: (ids, at) => statement(() => unsettledSince(db, closedAt, { ids, at })),
    beginCreate: (caller, create) => statement(() => beginCreate(db, client, { caller, create })),
    commitCreate: (intentId, type) => statement(() => commitCreate(db, { intentId, type })),
    updatePlain: (caller, update) => statement(() => updatePlain(db, client, { caller, update })),
    beginUpdate: (caller, update) => statement(() => beginUpdate(db, client, { caller, update })),
    recordBaseVersion: (intentId, version) => statement(() => recordBaseVersion(db, { intentId, version })),
    commitUpdate: (intentId, fields) => statement(() => commitUpdate(db, { intentId, fields })),
    beginDelete: (caller, remove) => statement(() => beginDelete(db, client, { caller, remove })),
    findIntent: id => statement(() => findIntent(db, id)),
    moveToUndoing: id => statement(() => moveToUndoing(db, id)),
    close: intent => statement(() => closeNow(intent)),
  }
}

function findIntent(db: MemoryDatabase, id: string) {
  const intent = db.intents.find(known => known.id === id)
  return intent && toIntent(db, intent)
}

function moveToUndoing(db: MemoryDatabase, id: string): 'ok' | 'changed' {
  const intent = db.intents.find(known => known.id === id && known.state === 'open')
  if (!intent) return 'changed'
  Object.assign(intent, { state: 'undoing', expiresAt: db.now })
  return 'ok'
}

function close(db: MemoryDatabase, { id, state, outcome, audit, settledBy }: ClosingIntent): 'ok' | 'changed' {
  const intent = db.intents.find(known => known.id === id && known.state === state)
  if (!intent) return 'changed'
  Object.assign(intent, { state: 'closed', outcome })
  if (audit && intent.kind !== 'delete' && outcome !== 'done') {
    recordOutcome(db, intent, { outcome: outcome === 'none' ? 'failed' : 'unknown', settledBy: settledBy ?? null })
  }
  return 'ok'
}
