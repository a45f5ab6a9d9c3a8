import type { Caller, Denied } from './caller.ts'
import type { Intent } from './intent.ts'

// The ports through which `doctor` looks at one organization in both stores, and at the stores as such.

/** What is not as it should be: a sentence, and what to do about it (SQL to run, or a command). */
export interface HealthProblem {
  readonly message: string
  readonly fix: string
}

/** A live record, as far as doctor compares it with its secret. */
export interface LiveRecord {
  readonly id: string
  readonly name: string
  readonly env: string
  readonly type: string
  readonly secretId: string
}

/** An intent that is not closed, with what a person needs to know of it. */
export interface UnclosedIntent extends Intent {
  readonly name: string
  readonly actor: string
  readonly since: string
}

export interface RecordsHealth {
  /** Privileges that this role lacks. */
  privileges(): Promise<readonly HealthProblem[]>
  /** Indexes that are missing, and a uniqueness rule that counts deleted rows. */
  indexes(): Promise<readonly HealthProblem[]>
  /** The intents of the organization that are not closed. */
  unclosedIntents(
    caller: Caller,
  ): Promise<Denied | { kind: 'intents'; organizationId: string; intents: readonly UnclosedIntent[] }>
  /**
   * A thousand live records in the order of their ids, those after `after`; empty at the end. The first page, which is
   * after nothing, tells how many there are in all.
   */
  liveRecords(
    caller: Caller,
    after: string | undefined,
  ): Promise<Denied | { kind: 'page'; records: readonly LiveRecord[]; total: number | undefined }>
  /**
   * Of these ids of secrets: `removable`, that an undone create or a delete of the last 30 days explains and no live
   * row has (a late write, or a removal that is owed); `deleted`, of rows deleted otherwise; `unknown`, which nothing
   * explains, in whatever organization. `complete` says whether this role sees every row, without which nothing can be called unknown.
   */
  classifySecrets(
    caller: Caller,
    secretIds: readonly string[],
  ): Promise<
    | Denied
    | {
        kind: 'explained'
        removable: readonly string[]
        deleted: readonly string[]
        unknown: readonly string[]
        seesAllRows: boolean
      }
  >
  /** Throws away the organization's intents that were closed more than 30 days ago. */
  pruneIntents(caller: Caller): Promise<Denied | { kind: 'pruned'; count: number }>
}

export interface SecretsHealth {
  /** The ids of all secrets beside those of this organization, whoever's they are; undefined where that is refused. */
  list(organizationId: string): Promise<readonly string[] | undefined>
  /** How many versions of a secret are kept; undefined where that can't be told. */
  versionsKept(): Promise<number | undefined>
}
