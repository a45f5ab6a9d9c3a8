export type IntentState = 'open' | 'undoing' | 'closed'
/** `none`: rolled back, nothing changed. */
export type IntentOutcome = 'done' | 'none' | 'unknown'

/** The record of an operation in progress. Another process can settle the operation from it. See docs/protocol.md. */
export interface Intent {
  readonly id: string
  readonly kind: 'create' | 'update' | 'delete'
  readonly state: IntentState
  /** Null until the intent is closed. */
  readonly outcome: IntentOutcome | null
  readonly dataSourceId: string
  readonly secretId: string
  readonly organizationId: string
  /** The version of the secret that an update replaces, 0 if there was no secret. Null until it is recorded. */
  readonly baseVersion: number | null
  /** Whether the lease has expired, by the clock of Postgres. Other processes may then settle the intent. */
  readonly expired: boolean
}

/** A request to close an intent. */
export interface ClosingIntent {
  readonly id: string
  /** The state in which it was read. If it differs by now, the intent is not closed. */
  readonly state: IntentState
  readonly outcome: IntentOutcome
  /** Whether to write an audit event. False for an update that changed nothing. */
  readonly audit: boolean
  /** Host and version of the process that settled another process's intent; undefined if the owner closes it. */
  readonly settledBy: string | undefined
}
