import type { DataSource, ListedDataSource, NameInEnv, OnboardingStatus } from '../domain/data-source.ts'
import type { Caller, Denied } from './caller.ts'
import type { ClosingIntent, Intent } from './intent.ts'

// The port through which the operations reach the records and the intents. As with every port, its contract is its text;
// test/contract holds each implementation to it.

/** A data source named by a user: `text` is its UUID or its name, `env` narrows a name down. */
export interface Ref {
  readonly text: string
  readonly env: string | undefined
}

/** Why a REF did not lead to one live record. */
export type NotOne =
  | { readonly kind: 'not found' }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly { id: string; name: string; env: string }[] }

/** How many names one statement looks up. */
export const MOST_NAMES = 1000

/** How many things one statement does. */
export const MOST_AT_ONCE = 200

/** Another's unclosed intent stands in the way: of the same data source, or of the same name. */
export interface Busy {
  readonly kind: 'busy'
  /** Undefined where it began at this very moment and can't be seen yet. */
  readonly intent: Intent | undefined
}

/** The name stands already: `id` of the live record that has it, undefined where it can't be told. */
export interface Taken {
  readonly kind: 'taken'
  readonly id: string | undefined
  /** What was asked for; undefined where the record keeps its own. */
  readonly name: string | undefined
  readonly env: string | undefined
}

/** This intent was recorded by an earlier try of the same statement. */
export interface Own {
  readonly kind: 'own'
  readonly intent: Intent
}

export interface NewCreate {
  readonly intentId: string
  readonly id: string
  readonly name: string
  readonly env: string
  readonly type: string
  /** The names of the credentials' fields, for the audit trail. */
  readonly fields: readonly string[]
  /** In seconds, by Postgres's clock. */
  readonly lease: number
  /** Whether a name that is taken ends it, which the audit trail then tells. */
  readonly failsIfTaken: boolean
}

/**
 * What the audit trail tells of a look at a record: nothing, that it was got, that it was tested, or, where the look ends
 * it, of an update or a delete that got no further.
 */
export type FindAudit = boolean | 'test' | 'update, if refused' | 'delete, if refused'

/** What a look is for: where it is denied, the audit trail tells that this was. */
export interface Attempt {
  /** Of its audit event, made by the client. */
  readonly eventId: string
  readonly action: 'apply' | 'diff' | 'export' | 'test' | 'create'
}

/** One that is given up before its first step is told in the audit trail as one that got so far. */
export interface CreateAttempt extends Attempt {
  /** Whether a name that is taken ends it. */
  readonly failsIfTaken: boolean
  /** Whether a look that is not refused is all that there is to tell: it is told as done. */
  readonly isWhole?: boolean
}

export interface NewUpdate {
  readonly intentId: string
  readonly ref: Ref
  readonly name: string | undefined
  readonly env: string | undefined
  readonly fields: readonly string[]
  readonly lease: number
}

/** The last step of a create: its row's type stands in no intent. */
export interface NewRow {
  readonly intentId: string
  readonly type: string
}

/** S2 of an update: the version of the secret that it builds on. */
export interface BaseVersion {
  readonly intentId: string
  readonly version: number
}

/** The last step of an update: the names of the fields that have changed. */
export interface NewFields {
  readonly intentId: string
  readonly fields: readonly string[]
}

export interface PlainUpdate {
  /** Of its audit event, made by the client: it makes a second try harmless. */
  readonly eventId: string
  readonly ref: Ref
  readonly name: string | undefined
  readonly env: string | undefined
}

export interface NewDelete {
  readonly intentId: string
  readonly ref: Ref
  readonly lease: number
}

export interface ListFilter {
  readonly type: string | undefined
  readonly env: string | undefined
  readonly status: OnboardingStatus | undefined
  /** Part of the name, in any case. */
  readonly search: string | undefined
}

export interface ListQuery extends ListFilter {
  readonly page: number
  readonly pageSize: number
}

/** What `list` shows of a record, and where its credentials are. */
export type LocatedDataSource = ListedDataSource & Pick<DataSource, 'secretId' | 'organizationId'>

/** What a batch knows of a record: what it is, and where its credentials are. */
export type NamedRecord = Pick<DataSource, 'id' | 'secretId' | 'organizationId' | 'name' | 'type' | 'env'>

/**
 * The records and the intents. Every method (but listAll) is one statement, hence atomic; it checks the caller itself, and writes
 * its audit event. Each may throw UnavailableError: with `delivered: 'maybe'` it may yet take effect, at any later
 * moment or never, and may be sent again as it is.
 */
export interface Records extends RecordBatches {
  list(
    caller: Caller,
    query: ListQuery,
    attempt?: Attempt,
  ): Promise<Denied | { kind: 'page'; items: ListedDataSource[]; more: boolean }>

  /**
   * The whole list, in the same order, as it was at one moment: what is changed meanwhile is neither missing nor there
   * twice. `take` gets page after page, none of them empty, and says whether it wants another; until it says so nothing
   * more is read. The one method of several statements.
   */
  listAll(
    caller: Caller,
    filter: ListFilter,
    take: (page: readonly LocatedDataSource[]) => Promise<boolean>,
  ): Promise<Denied | { kind: 'listed' }>

  /**
   * One live record. Where what `audit` asks for can't be written (a standby, a role without INSERT) the record is read
   * without it, and `unaudited` says so.
   */
  find(
    caller: Caller,
    ref: Ref,
    audit: FindAudit,
  ): Promise<Denied | NotOne | { kind: 'found'; record: DataSource; unaudited?: boolean }>

  /**
   * Whether a create or a rename would find its name free: the live record that has it, if any. As with `find`, what
   * can't be written in the audit trail keeps nobody from looking.
   */
  findName(
    caller: Caller,
    name: string,
    env: string,
    attempt?: CreateAttempt,
  ): Promise<Denied | (({ kind: 'free' } | Taken) & { unaudited?: boolean })>

  /**
   * The live records that have any of these names, each with its env, in no order. At most MOST_NAMES.
   * `unsettled` are the ids of those with an unclosed intent: their credentials may yet be taken back. `at` is when it
   * was, for unsettledSince.
   */
  findNamed(
    caller: Caller,
    names: readonly NameInEnv[],
    attempt?: Attempt,
  ): Promise<Denied | { kind: 'found'; records: readonly NamedRecord[]; unsettled: readonly string[]; at: string }>

  /**
   * Those of these data sources with an intent that is unclosed, or was closed otherwise than as done since `at`: what
   * was read of their credentials since then may yet be taken back, or has been.
   */
  unsettledSince(ids: readonly string[], at: string): Promise<readonly string[]>

  /** S1 of a create: permission, name free, record the intent. */
  beginCreate(caller: Caller, create: NewCreate): Promise<CreateBegun>

  /** S2 of a create: where the intent is open, insert the row (its `type` stands in no intent), audit, close as done. */
  finishCreate(intentId: string, type: string): Promise<Finished>

  /**
   * An update of name and env alone: permission, find and lock, no unclosed intent, name free, update, audit. `fields`
   * are those of the two that differed.
   */
  updatePlain(
    caller: Caller,
    update: PlainUpdate,
  ): Promise<
    | Denied
    | NotOne
    | Busy
    | Taken
    | { kind: 'done'; record: DataSource; fields: readonly string[] }
    | { kind: 'unchanged'; record: DataSource }
  >

  /** S1 of an update with credentials: permission, find, no unclosed intent, name free, record the intent. */
  beginUpdate(caller: Caller, update: NewUpdate): Promise<UpdateBegun>

  /** S2 of an update: where the intent is open, remember the secret's version it builds on. */
  setBaseVersion(intentId: string, version: number): Promise<'ok' | 'changed'>

  /**
   * S3 of an update: where the intent is open, update the named columns of the row, audit, close as done. `fields` are
   * the names of what has changed.
   */
  finishUpdate(intentId: string, fields: readonly string[]): Promise<Finished>

  /**
   * S1 of a delete: permission, find, no unclosed intent, soft-delete, audit, record the intent. `owed` is an earlier
   * delete of this REF whose secret still has to go (by name: only where no live record has it).
   */
  beginDelete(caller: Caller, remove: NewDelete): Promise<DeleteBegun>

  getIntent(id: string): Promise<Intent | undefined>

  /** From open to undoing, ending its lease; 'changed' where it is not open any more. */
  moveToUndoing(id: string): Promise<'ok' | 'changed'>

  /** Closes an intent that is still in the state seen; an undone or unknown one is audited by `settledBy`. */
  close(intent: ClosingIntent): Promise<'ok' | 'changed'>
}

/**
 * What became of each of several things, in their order. `none`: the database refused one of them (others wrote at the
 * same moment, or the application has a rule) and with it the whole statement, so nothing was done. Ask for fewer: one
 * alone has its answer, or its error.
 */
export type Several<A> = readonly A[] | 'none'

/**
 * The steps of several operations at once, at most MOST_AT_ONCE: one statement, in which each is what it is by itself,
 * and harmless to send again.
 */
export interface RecordBatches {
  beginCreates(caller: Caller, creates: readonly NewCreate[]): Promise<Several<CreateBegun>>
  finishCreates(rows: readonly NewRow[]): Promise<Several<Finished>>
  beginUpdates(caller: Caller, updates: readonly NewUpdate[]): Promise<Several<UpdateBegun>>
  setBaseVersions(versions: readonly BaseVersion[]): Promise<Several<'ok' | 'changed'>>
  finishUpdates(updates: readonly NewFields[]): Promise<Several<Finished>>
  beginDeletes(caller: Caller, removes: readonly NewDelete[]): Promise<Several<DeleteBegun>>
  closeAll(closings: readonly ClosingIntent[]): Promise<Several<'ok' | 'changed'>>
}

export type CreateBegun = Denied | Own | Busy | Taken | { readonly kind: 'begun'; readonly organizationId: string }

export type UpdateBegun =
  | Denied
  | NotOne
  | (Own & { readonly record: DataSource | null })
  | Busy
  | Taken
  | { readonly kind: 'begun'; readonly record: DataSource }

export type DeleteBegun =
  | Denied
  | NotOne
  | Own
  | Busy
  | { readonly kind: 'owed'; readonly intent: Intent }
  | {
      readonly kind: 'begun'
      readonly id: string
      readonly secretId: string
      readonly organizationId: string
      readonly name: string
    }

/**
 * What a last step came to. `changed`: the intent is not open any more. `taken` and `gone` (the row was deleted)
 * leave it open. A second try of a step that was done answers `changed`.
 */
export type Finished =
  | { readonly kind: 'done'; readonly record: DataSource }
  | { readonly kind: 'changed' }
  | { readonly kind: 'gone' }
  | Taken
