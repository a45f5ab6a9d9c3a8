import type { Caller, Denied } from './caller.ts'
import type { Ref } from './lookup.ts'

/** What happened to a data source, or was tried: as `audit` shows it. Times are ISO 8601 in UTC. */
export interface AuditEvent {
  readonly id: string
  readonly at: string
  readonly actorId: string | null
  readonly actorEmail: string
  readonly actorSource: string
  readonly action: string
  readonly dataSourceId: string | null
  readonly dataSourceName: string | null
  readonly outcome: 'done' | 'denied' | 'failed' | 'unknown'
  readonly fields: readonly string[]
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  readonly client: string
  readonly settledBy: string | null
}

export interface AuditFilter {
  /** A data source, deleted or not, also by a name that it no longer has. */
  readonly source: Ref | undefined
  readonly actor: string | undefined
  readonly action: string | undefined
  /** ISO 8601. */
  readonly since: string | undefined
}

export interface AuditQuery extends AuditFilter {
  readonly page: number
  readonly pageSize: number
}

/** The audit trail of an organization, the latest event first. */
export interface AuditTrail {
  list(caller: Caller, query: AuditQuery): Promise<Denied | { kind: 'page'; items: AuditEvent[]; more: boolean }>
  /** The whole trail, in the same order, as it was at one moment: page after page, as with Records.listAll. */
  listAll(
    caller: Caller,
    filter: AuditFilter,
    take: (page: readonly AuditEvent[]) => Promise<boolean>,
  ): Promise<Denied | { kind: 'listed' }>
  /** Deletes the organization's events before a time, and writes one that says so. */
  prune(caller: Caller, before: string): Promise<Denied | { kind: 'pruned'; events: number }>
}
