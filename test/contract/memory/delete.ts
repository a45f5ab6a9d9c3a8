import type { Caller } from '../../../src/ports/caller.ts'
import type { NewDelete } from '../../../src/ports/record-steps.ts'
import type { Records } from '../../../src/ports/records.ts'
import { recordDone, recordRefused } from './audit.ts'
import { authorize } from './authorize.ts'
import { unreachable } from './create.ts'
import { isReferredTo, type MemoryDatabase, toIntent, unclosed } from './database.ts'
import { findOne } from './find.ts'

export function beginDelete(
  db: MemoryDatabase,
  client: string,
  { caller, remove }: { caller: Caller; remove: NewDelete },
): Awaited<ReturnType<Records['beginDelete']>> {
  const { intentId, ref } = remove
  const who = authorize(db, caller)
  const event = { eventId: intentId, action: 'delete', caller, client, fields: [] }
  const own = db.intents.find(({ id }) => id === intentId)
  if (who.denied) recordRefused(db, event, who, ref.text)
  if (own) return { kind: 'already recorded', intent: toIntent(db, own) }
  if (who.denied || who.userId === null) return who.denied ?? unreachable()
  const target = findOne(db, who.organizationId, ref)
  if (!('row' in target)) {
    const owed = target.kind === 'not found' ? owedRemoval(db, who.organizationId, remove) : undefined
    if (owed) return { kind: 'owed', intent: owed }
    recordRefused(db, event, who, ref.text)
    return target
  }
  const { id, secretId, organizationId, name, env } = target.row
  const holder = unclosed(db, intent => intent.dataSourceId === id)
  if (holder) return { kind: 'busy', intent: holder }
  Object.assign(target.row, { deleted: true, updatedAt: db.now, writes: target.row.writes + 1 })
  db.intents.push({
    ...{ id: intentId, kind: 'delete', state: 'open', outcome: null, dataSourceId: id, secretId, organizationId },
    ...{
      oldName: name,
      newName: null,
      newEnv: null,
      fields: [],
      actorId: who.userId,
      actorEmail: caller.email,
      client,
    },
    ...{ actorSource: caller.identitySource, baseVersion: null, createdAt: db.now },
    expiresAt: db.now + remove.lease * 1000,
  })
  recordDone(db, event, who, { dataSourceId: id, dataSourceName: name, before: { name, env } })
  return { kind: 'begun', id, secretId, organizationId, name }
}

function owedRemoval(db: MemoryDatabase, organizationId: string | null, { ref }: NewDelete) {
  return unclosed(db, intent => {
    const row = db.rows.find(({ id, deleted }) => id === intent.dataSourceId && deleted)
    return intent.kind === 'delete' && intent.organizationId === organizationId && !!row && isReferredTo(row, ref)
  })
}
