import type { DataSource, ListedDataSource, NameAndEnv, OnboardingStatus } from '../domain/data-source.ts'
import type { Caller, Denied } from './caller.ts'
import type { ClosingIntent, Intent } from './intent.ts'
import type { FindAudit, LookupAudit, LookupFailure, NameLookupAudit, Ref } from './lookup.ts'
import type {
  BaseVersion,
  BatchResult,
  BeginCreateResult,
  BeginDeleteResult,
  BeginUpdateResult,
  CommitResult,
  CreateCommit,
  NewCreate,
  NewDelete,
  NewUpdate,
  PlainUpdate,
  PlainUpdateResult,
  Taken,
  UpdateCommit,
} from './record-steps.ts'

// The port to the records and intents. The docstrings are its contract; the suite in test/contract checks every
// implementation against it.

/** The largest number of names in one `findNamed`. */
export const MAX_NAMES = 1000

/**
 * Which live records to list: those with any of these types, any of these envs and so on. An empty list matches all.
 */
export interface ListFilter {
  readonly types: readonly string[]
  readonly envs: readonly string[]
  readonly statuses: readonly OnboardingStatus[]
  /** Part of the name, case-insensitive. */
  readonly search: string | undefined
}

/** The filter that matches every live record. */
export const NO_FILTER: ListFilter = { types: [], envs: [], statuses: [], search: undefined }

export interface ListQuery extends ListFilter {
  /** Counted from 0. */
  readonly page: number
  readonly pageSize: number
}

/** A listed record and the location of its secret. */
export type LocatedDataSource = ListedDataSource & Pick<DataSource, 'secretId' | 'organizationId'>

/** The part of a record that a batch needs: its identity, and the location of its secret. */
export type NamedRecord = Pick<DataSource, 'id' | 'secretId' | 'organizationId' | 'name' | 'type' | 'env'>

/** The result of `findNamed`. */
export interface FoundNames {
  readonly kind: 'found'
  readonly records: readonly NamedRecord[]
  readonly unsettled: readonly string[]
  readonly at: string
  readonly types?: readonly string[]
}

/**
 * The records and the intents. Each method except `listAll` is one atomic statement, which checks the caller's
 * permission and writes the audit event itself. Each throws UnavailableError if Postgres gives no result. With
 * `delivered: 'maybe'` the statement may still take effect at any later time, and is safe to send again unchanged.
 */
export interface Records extends RecordBatches {
  /** One page of the live records, the last updated first. `more`: there is a next page. */
  list(
    caller: Caller,
    query: ListQuery,
    audit?: LookupAudit,
  ): Promise<Denied | { kind: 'page'; items: ListedDataSource[]; more: boolean }>

  /**
   * All matching records in the order of `list`, from one snapshot: concurrent changes neither omit nor repeat a
   * record. Awaits `onPage` for each non-empty page, and stops when it returns false.
   */
  listAll(
    caller: Caller,
    filter: ListFilter,
    onPage: (page: readonly LocatedDataSource[]) => Promise<boolean>,
  ): Promise<Denied | { kind: 'listed' }>

  /** The envs of the live records, sorted. */
  listEnvs(caller: Caller): Promise<Denied | { kind: 'envs'; envs: readonly string[] }>

  /**
   * One live record. Without `audit` nothing is audited. `unaudited`: the audit event could not be written (a standby,
   * or no INSERT privilege), and the record was read without it.
   */
  find(
    caller: Caller,
    ref: Ref,
    options?: { readonly audit?: FindAudit | undefined },
  ): Promise<Denied | LookupFailure | { kind: 'found'; record: DataSource; unaudited?: boolean }>

  /** Whether a name is free, or which live record has it. `unaudited` as in `find`, `types` as in `findNamed`. */
  findName(
    caller: Caller,
    name: NameAndEnv,
    audit?: NameLookupAudit,
  ): Promise<Denied | (({ kind: 'free' } | Taken) & { unaudited?: boolean; types?: readonly string[] })>

  /**
   * The live records with these names, in any order; at most MAX_NAMES names. `unsettled`: ids of the records that have
   * an unclosed intent, so that their credentials may still be rolled back. `at`: the time of the lookup, for
   * `unsettledSince`.
   * `types`: the types that the database accepts; undefined if it accepts any.
   */
  findNamed(caller: Caller, names: readonly NameAndEnv[], audit?: LookupAudit): Promise<Denied | FoundNames>

  /**
   * The ids of the data sources that have an unclosed intent, or an intent that was closed after `at` with an outcome
   * other than `done`. Credentials of theirs that were read after `at` may be rolled back, or have been. Does not check
   * the caller.
   */
  unsettledSince(ids: readonly string[], at: string): Promise<readonly string[]>

  /** Begin a create: checks permission, the type, and that the name is free; records the intent. */
  beginCreate(caller: Caller, create: NewCreate): Promise<BeginCreateResult>

  /** Commit a create: if the intent is open, inserts the record, audits, and closes the intent as done. */
  commitCreate(intentId: string, type: string): Promise<CommitResult>

  /**
   * Changes name and env only: checks permission, locks the record, checks for unclosed intents and that the name is
   * free, updates, audits.
   */
  updatePlain(caller: Caller, update: PlainUpdate): Promise<PlainUpdateResult>

  /**
   * Begin an update of credentials: checks permission, finds the record, checks for unclosed intents and that the name
   * is free, records the intent.
   */
  beginUpdate(caller: Caller, update: NewUpdate): Promise<BeginUpdateResult>

  /** Record the base version of an update. 'changed' if the intent is no longer open. */
  recordBaseVersion(intentId: string, version: number): Promise<'ok' | 'changed'>

  /**
   * Commit an update: if the intent is open, updates name and env if they were requested, audits, and closes the intent
   * as done. `fields`: names of the fields that changed.
   */
  commitUpdate(intentId: string, fields: readonly string[]): Promise<CommitResult>

  /**
   * Begin a delete: checks permission, finds the record, checks for unclosed intents, soft-deletes, audits, records the
   * intent. If the REF is a name, it first means a live record. Only if no live record has the name can it mean an
   * earlier delete whose secret has not been removed yet (`owed`).
   */
  beginDelete(caller: Caller, remove: NewDelete): Promise<BeginDeleteResult>

  /** Undefined if there is no such intent. */
  findIntent(id: string): Promise<Intent | undefined>

  /** Moves an intent from open to undoing and ends its lease. 'changed' if it is no longer open. */
  moveToUndoing(id: string): Promise<'ok' | 'changed'>

  /** Closes an intent and audits a create or update that is not done. 'changed' if its state is no longer `state`. */
  close(intent: ClosingIntent): Promise<'ok' | 'changed'>
}

/**
 * The same steps for several operations in one statement, for at most MAX_BATCH items. Each item gets the result that
 * it would get alone, and the statement is safe to send again.
 */
export interface RecordBatches {
  beginCreates(caller: Caller, creates: readonly NewCreate[]): Promise<BatchResult<BeginCreateResult>>
  commitCreates(creates: readonly CreateCommit[]): Promise<BatchResult<CommitResult>>
  beginUpdates(caller: Caller, updates: readonly NewUpdate[]): Promise<BatchResult<BeginUpdateResult>>
  recordBaseVersions(versions: readonly BaseVersion[]): Promise<BatchResult<'ok' | 'changed'>>
  commitUpdates(updates: readonly UpdateCommit[]): Promise<BatchResult<CommitResult>>
  beginDeletes(caller: Caller, removes: readonly NewDelete[]): Promise<BatchResult<BeginDeleteResult>>
  closeAll(closings: readonly ClosingIntent[]): Promise<BatchResult<'ok' | 'changed'>>
}
