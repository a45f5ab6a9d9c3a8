import type { DataSource, OnboardingStatus } from '../../../src/domain/data-source.ts'
import type { Role } from '../../../src/ports/caller.ts'
import type { Intent } from '../../../src/ports/intent.ts'
import type { Ref } from '../../../src/ports/lookup.ts'

// The tables are plain data, so that a search can copy, compare and print them.

export interface MemoryDatabase {
  /** The current time of the statements, in milliseconds since 1970. */
  now: number
  /** How many milliseconds the clock advances with each statement. */
  readonly tick: number
  readonly organizations: { readonly id: string; readonly name: string; deleted: boolean }[]
  readonly users: { readonly id: string; readonly email: string; readonly name: string | null }[]
  readonly memberships: MemoryMembership[]
  readonly rows: MemoryRow[]
  readonly dataSets: { readonly id: string; readonly name: string; readonly dataSourceId: string; deleted: boolean }[]
  readonly intents: MemoryIntent[]
  readonly events: AuditEvent[]
}

export interface MemoryMembership {
  readonly userId: string
  readonly organizationId: string
  readonly role: Role
  readonly status: string
  readonly deleted: boolean
}

export interface MemoryRow {
  readonly id: string
  readonly secretId: string
  readonly organizationId: string
  readonly type: string
  readonly createdBy: string | null
  readonly createdAt: number
  readonly onboardingStatus: OnboardingStatus
  name: string
  env: string
  deleted: boolean
  updatedAt: number
  /** How many times dsctl has written it. */
  writes: number
}

export interface MemoryIntent {
  readonly id: string
  readonly kind: Intent['kind']
  readonly dataSourceId: string
  readonly secretId: string
  readonly organizationId: string
  readonly oldName: string | null
  readonly newName: string | null
  readonly newEnv: string | null
  readonly fields: readonly string[]
  readonly actorId: string
  readonly actorEmail: string
  readonly actorSource: string
  readonly client: string
  readonly createdAt: number
  state: Intent['state']
  outcome: Intent['outcome']
  baseVersion: number | null
  expiresAt: number
}

/** One row of the audit trail. */
export interface AuditEvent {
  readonly id: string
  readonly organizationId: string | null
  readonly actorId: string | null
  readonly actorEmail: string
  readonly actorSource: string
  readonly action: string
  readonly dataSourceId: string | null
  readonly dataSourceName: string | null
  readonly outcome: 'done' | 'denied' | 'failed' | 'unknown'
  readonly fields: readonly string[]
  readonly before: { readonly name: string; readonly env: string } | null
  readonly after: { readonly name: string; readonly env: string } | null
  readonly client: string
  readonly settledBy: string | null
}

export function emptyDatabase(now: number, tick: number): MemoryDatabase {
  const tables = { organizations: [], users: [], memberships: [], rows: [], dataSets: [], intents: [], events: [] }
  return { now, tick, ...tables }
}

/** The live rows of an organization, the last updated first. */
export function liveRows(db: MemoryDatabase, organizationId: string): MemoryRow[] {
  return db.rows
    .filter(row => row.organizationId === organizationId && !row.deleted)
    .sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? -1 : 1))
}

/** The live row with this name, if any. */
export function nameHolder(db: MemoryDatabase, at: { organizationId: string; name: string; env: string }) {
  return liveRows(db, at.organizationId).find(({ name, env }) => isSameName(name, at.name) && env === at.env)
}

/** Whether two names are the same in Unicode. */
export function isSameName(one: string | null, other: string | null | undefined): boolean {
  return one?.normalize('NFC') === other?.normalize('NFC')
}

export function isReferredTo(row: MemoryRow, ref: Ref): boolean {
  const named = row.id === ref.text.toLowerCase() || isSameName(row.name, ref.text)
  return named && (ref.env === undefined || row.env === ref.env)
}

/** The oldest unclosed intent that matches, if any. */
export function unclosed(db: MemoryDatabase, matches: (intent: MemoryIntent) => boolean): Intent | undefined {
  const [oldest] = db.intents
    .filter(intent => intent.state !== 'closed' && matches(intent))
    .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
  return oldest && toIntent(db, oldest)
}

export function toIntent(db: MemoryDatabase, intent: MemoryIntent): Intent {
  const { id, kind, state, outcome, dataSourceId, secretId, organizationId, baseVersion, expiresAt } = intent
  const expired = expiresAt <= db.now
  return { id, kind, state, outcome, dataSourceId, secretId, organizationId, baseVersion, expired }
}

export function toDataSource(db: MemoryDatabase, row: MemoryRow): DataSource {
  const { id, secretId, organizationId, name, type, env, onboardingStatus } = row
  const creator = db.users.find(user => user.id === row.createdBy)
  const dataSets = db.dataSets.filter(set => set.dataSourceId === id && !set.deleted)
  return {
    ...{ id, secretId, organizationId, name, type, env, onboardingStatus, onboardingError: null },
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
    createdBy: creator ? { ...creator } : null,
    dataSets: dataSets.map(set => ({ id: set.id, name: set.name })).sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}
