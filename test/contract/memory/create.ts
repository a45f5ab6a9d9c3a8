import type { Caller } from '../../../src/ports/caller.ts'
import type { NewCreate } from '../../../src/ports/record-steps.ts'
import type { Records } from '../../../src/ports/records.ts'
import { recordOutcome, recordRefused } from './audit.ts'
import { authorize } from './authorize.ts'
import { isSameName, type MemoryDatabase, nameHolder, toDataSource, toIntent, unclosed } from './database.ts'

type Answer<M extends keyof Records> = Awaited<ReturnType<Records[M]>>

export function beginCreate(
  db: MemoryDatabase,
  client: string,
  { caller, create }: { caller: Caller; create: NewCreate },
): Answer<'beginCreate'> {
  const { intentId, id, name, env, fields } = create
  const who = authorize(db, caller)
  const { organizationId, userId } = who
  const event = { eventId: intentId, action: 'create', caller, client, fields }
  const own = db.intents.find(intent => intent.id === intentId)
  if (who.denied || organizationId === null || userId === null) recordRefused(db, event, who, name)
  if (own) return { kind: 'already recorded', intent: toIntent(db, own) }
  if (who.denied || organizationId === null || userId === null) return who.denied ?? unreachable()
  const holder = unclosed(
    db,
    i => i.organizationId === organizationId && isSameName(i.newName, name) && i.newEnv === env,
  )
  if (holder) return { kind: 'busy', intent: holder }
  if (unclosed(db, intent => intent.dataSourceId === id)) return { kind: 'busy', intent: undefined }
  const taken = nameHolder(db, { organizationId, name, env })
  if (taken) {
    if (create.failsIfTaken) recordRefused(db, event, who, name)
    return { kind: 'taken', id: taken.id, name, env }
  }
  db.intents.push({
    ...{ id: intentId, kind: 'create', state: 'open', outcome: null, dataSourceId: id, secretId: id, organizationId },
    ...{ oldName: null, newName: name, newEnv: env, fields, actorId: userId, actorEmail: caller.email, client },
    ...{ actorSource: caller.identitySource, baseVersion: null, createdAt: db.now },
    expiresAt: db.now + create.lease * 1000,
  })
  return { kind: 'begun', organizationId }
}

export function commitCreate(
  db: MemoryDatabase,
  { intentId, type }: { intentId: string; type: string },
): Answer<'commitCreate'> {
  const intent = db.intents.find(({ id, state }) => id === intentId && state === 'open')
  if (!intent) return { kind: 'changed' }
  const { organizationId, dataSourceId, secretId, newName: name, newEnv: env, actorId } = intent
  if (name === null || env === null) return unreachable()
  const taken = nameHolder(db, { organizationId, name, env })
  if (taken) return { kind: 'taken', id: taken.id, name, env }
  const row = {
    ...{ id: dataSourceId, secretId, organizationId, name, env, type, createdBy: actorId, deleted: false, writes: 1 },
    ...{ createdAt: db.now, updatedAt: db.now, onboardingStatus: 'notStarted' as const },
  }
  db.rows.push(row)
  Object.assign(intent, { state: 'closed', outcome: 'done' })
  recordOutcome(db, intent, { outcome: 'done', after: { name, env } })
  return { kind: 'done', record: toDataSource(db, row) }
}

/** For states that no statement can produce. */
export function unreachable(): never {
  throw new Error('The memory stores are in an impossible state.')
}
