export type IntentState = 'open' | 'undoing' | 'closed'
export type IntentOutcome = 'done' | 'none' | 'unknown'

/** The record of an operation under way: what a settler needs to finish it or to take it back. */
export interface Intent {
  readonly id: string
  readonly kind: 'create' | 'update' | 'delete'
  readonly state: IntentState
  readonly outcome: IntentOutcome | null
  readonly dataSourceId: string
  readonly secretId: string
  readonly organizationId: string
  /** The version of the secret that an update builds on (0: there was none); null before it has read it. */
  readonly baseVersion: number | null
  /** Whether its lease is over by Postgres's clock, so that others may settle it. */
  readonly expired: boolean
}

export interface ClosingIntent {
  readonly id: string
  /** The state in which it was seen. */
  readonly state: IntentState
  readonly outcome: IntentOutcome
  /** False where nothing is to be told: an update that turned out to change nothing. */
  readonly audit: boolean
  /** The process that finished another's work; undefined for its owner. */
  readonly settledBy: string | undefined
}
