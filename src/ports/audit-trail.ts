import type { Caller, Denied } from './caller.ts'
import type { Ref } from './lookup.ts'

/** One audited action, done or attempted. Times are ISO 8601 in UTC. */
export interface AuditEvent {
  readonly id: string
  readonly at: string
  readonly actorId: string | null
  readonly actorEmail: string
  /** How the actor's address was established: see Caller.identitySource. */
  readonly actorSource: string
  readonly action: string
  readonly dataSourceId: string | null
  readonly dataSourceName: string | null
  readonly outcome: 'done' | 'denied' | 'failed' | 'unknown'
  /** Names of the fields that changed, never their values. */
  readonly fields: readonly string[]
  /** Plain fields only, never a credential. */
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  /** Host and dsctl version of the process. */
  readonly client: string
  /** The process that finished the operation, if it was another one. */
  readonly settledBy: string | null
}

/** A time in ISO 8601, or how long ago it was by the clock of the database, which has written the events. */
export type TimeBound = { readonly at: string } | { readonly secondsAgo: number }

/** The actions that are audited. */
export const AUDITED_ACTIONS: readonly string[] = [
  ...['create', 'get', 'update', 'delete', 'test', 'onboarding', 'apply', 'diff', 'export', 'doctor'],
  ...['audit', 'audit prune', 'member add', 'member set-role', 'member remove', 'template set', 'template delete'],
]

/** Which events to list; undefined means any. */
export interface AuditFilter {
  /** A data source, deleted or not; a former name matches too. */
  readonly source: Ref | undefined
  /** E-mail address, compared ignoring ASCII case. */
  readonly actor: string | undefined
  readonly action: string | undefined
  readonly since: TimeBound | undefined
}

export interface AuditQuery extends AuditFilter {
  /** Counted from 0. */
  readonly page: number
  readonly pageSize: number
}

/** The audit trail of an organization, the latest event first. Each method checks the caller's permission. */
export interface AuditTrail {
  /** One page. `more`: there is a next page. A denied call is audited. */
  list(caller: Caller, query: AuditQuery): Promise<Denied | { kind: 'page'; items: AuditEvent[]; more: boolean }>
  /** All matching events, from one snapshot. Pages are passed to `onPage` as in Records.listAll. */
  listAll(
    caller: Caller,
    filter: AuditFilter,
    onPage: (page: readonly AuditEvent[]) => Promise<boolean>,
  ): Promise<Denied | { kind: 'listed' }>
  /** Deletes the organization's events before a time, and audits that. `events`: how many were deleted. */
  prune(caller: Caller, before: TimeBound): Promise<Denied | { kind: 'pruned'; events: number }>
}
