import type { Caller, Denied } from './caller.ts'
import type { Intent } from './intent.ts'

// The ports that `doctor` uses to examine both stores.

/** A problem with the database. */
export interface HealthProblem {
  /** One sentence, without a period. */
  readonly message: string
  /** SQL that fixes it. */
  readonly fix: string
}

/** The part of a live record that doctor compares with its secret. */
export interface LiveRecord {
  readonly id: string
  readonly name: string
  readonly env: string
  readonly type: string
  readonly secretId: string
}

/** An unclosed intent with details for people. */
export interface UnclosedIntent extends Intent {
  readonly name: string
  /** E-mail address of the user who began the operation. */
  readonly actor: string
  /** ISO 8601, in UTC. */
  readonly since: string
  /** When its lease ends: ISO 8601, in UTC. */
  readonly until: string
}

export interface RecordsHealth {
  /** Privileges that the database role lacks. */
  privileges(): Promise<readonly HealthProblem[]>
  /** Missing indexes, and unique constraints that include deleted rows. */
  indexes(): Promise<readonly HealthProblem[]>
  /** The unclosed intents of the organization, the oldest first. */
  unclosedIntents(
    caller: Caller,
  ): Promise<Denied | { kind: 'intents'; organizationId: string; intents: readonly UnclosedIntent[] }>
  /**
   * One page of the live records, at most 1000, ordered by id. `after`: the last id of the previous page; undefined
   * returns the first page, which also has the `total`. Empty after the last page.
   */
  liveRecords(
    caller: Caller,
    after: string | undefined,
  ): Promise<Denied | { kind: 'page'; records: readonly LiveRecord[]; total: number | undefined }>
  /**
   * Classifies secrets by their ids. `removable`: left by a rolled-back create, or by a dsctl delete in the last 30
   * days, and no live record uses it. `deleted`: its record is deleted, but not by such a delete. `unknown`: no record
   * or intent of any organization refers to it. An id in none of these lists belongs to a live record, to an unclosed
   * intent, or to another organization. `seesAllRows`: whether row-level security is inactive for this role. If it is
   * active, `unknown` is not reliable.
   */
  classifySecrets(
    caller: Caller,
    secretIds: readonly string[],
  ): Promise<
    | Denied
    | {
        kind: 'classified'
        removable: readonly string[]
        deleted: readonly string[]
        unknown: readonly string[]
        seesAllRows: boolean
      }
  >
  /** Deletes the organization's intents that were closed more than 30 days ago. */
  pruneIntents(caller: Caller): Promise<Denied | { kind: 'pruned'; count: number }>
}

/** How long a secret store keeps the versions of a secret. */
export interface Retention {
  /** The number of versions that it keeps. */
  readonly versions: number
  /** How long after it is written a version is deleted, for example `768h0m0s`; undefined if it is not. */
  readonly deleteAfter: string | undefined
}

export interface SecretsHealth {
  /**
   * The ids of all secrets stored under the same path as this organization's secrets, including those of other
   * organizations. Undefined if the token may not list them.
   */
  list(organizationId: string): Promise<readonly string[] | undefined>
  /** How long versions of a secret are kept; undefined if not known. */
  retention(): Promise<Retention | undefined>
}
