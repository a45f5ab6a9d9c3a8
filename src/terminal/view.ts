import type { Cell } from './cell.ts'
import type { Tone } from './colour.ts'

/** One thing: JSON prints `data` as it is, a table its rows; one whose value is undefined is left out. */
export interface RecordView {
  readonly kind: 'record'
  readonly data: object
  readonly rows: readonly (readonly [label: string, value: Cell])[]
}

/** One column of a list. */
export interface Column<T> {
  readonly title: string
  readonly value: (item: T) => Cell
  /** Never cut: an id, a time. */
  readonly fixed?: boolean
  /** Left out at a terminal where others would have to be cut for it. */
  readonly dropWhenNarrow?: boolean
  /** Never cut either: what is too long for a terminal goes on in the next line. */
  readonly wrap?: boolean
}

/** Several things. `empty` is told on stderr in place of a table without rows. */
export interface ListView<T extends object> {
  readonly kind: 'list'
  readonly data: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly empty: string
  /** Where a terminal is too narrow for whole cells, each item is a block of its own: nothing of it is cut. */
  readonly blocks?: boolean
  /** Printed as JSON and YAML in place of `data`, where the two differ. */
  readonly document?: unknown
}

/** What has become of each item of a batch; `summary` is told on stderr after a table, if there is more to say than an error does. */
export interface OutcomesView<T extends object> {
  readonly kind: 'outcomes'
  readonly data: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly summary: string | undefined
}

/** Free text, line by line, in place of a table. */
export interface LinesView {
  readonly kind: 'lines'
  readonly data: unknown
  readonly lines: readonly (string | { readonly text: string; readonly tone: Tone })[]
}

/**
 * Gets page after page of what is printed as it comes, none before the one before it is written. Answers whether another
 * is wanted: not where nobody reads any more.
 */
export type WritePage<T> = (page: readonly T[]) => Promise<boolean>

/** A list of any length. `empty` is told on stderr in place of a table without rows. */
export interface PagesView<T extends object> {
  readonly kind: 'pages'
  readonly forEachPage: (take: WritePage<T>) => Promise<void>
  readonly columns: readonly Column<T>[]
  readonly empty: string
}

/** Any number of documents, for a file: YAML ones one after the other, unless another format is asked for. */
export interface DocumentsView {
  readonly kind: 'documents'
  readonly forEachPage: (take: WritePage<object>) => Promise<void>
  /** Told on stderr in place of nothing at all. */
  readonly empty: string
}

/** What is printed as it comes. */
export type StreamView<T extends object = object> = PagesView<T> | DocumentsView

/** What is there as a whole. */
export type WholeView<T extends object = object> = RecordView | ListView<T> | OutcomesView<T> | LinesView

/** What a command found, made for printing. */
export type View<T extends object = object> = WholeView<T> | StreamView<T>
