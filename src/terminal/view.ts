import type { Cell } from './cell.ts'
import type { Tone } from './colour.ts'

/** One item. JSON prints `data`, a table prints `rows`. Rows whose value is undefined are left out. */
export interface RecordView {
  readonly kind: 'record'
  readonly data: object
  readonly rows: readonly (readonly [label: string, value: Cell])[]
}

/** One column of a list. */
export interface Column<T> {
  readonly title: string
  readonly value: (item: T) => Cell
  /** Never truncated, for example an id or a time. */
  readonly fixed?: boolean
  /** Left out if the table is wider than the terminal. */
  readonly dropWhenNarrow?: boolean
  /** Continues on the next line instead of being truncated. */
  readonly wrap?: boolean
}

/** A text, or a function that looks it up. */
export type LazyText = string | (() => Promise<string>)

/** Several items. `empty` is printed on stderr if there are none. */
export interface ListView<T extends object> {
  readonly kind: 'list'
  readonly data: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly empty: LazyText
  /** Prints each item as a block, without truncation, if the table is wider than the terminal. */
  readonly blocks?: boolean
  /** The width if the output is not a terminal, so that long messages wrap. By default, such output is not wrapped. */
  readonly defaultWidth?: number
  /** Printed as JSON and YAML instead of `data`. */
  readonly document?: unknown
}

/** The result of each item of a batch. `summary` is printed on stderr after the table. */
export interface OutcomesView<T extends object> {
  readonly kind: 'outcomes'
  readonly data: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly summary: string | undefined
}

/** Lines of text instead of a table. */
export interface LinesView {
  readonly kind: 'lines'
  readonly data: unknown
  readonly lines: readonly (string | { readonly text: string; readonly tone: Tone })[]
}

/**
 * Writes one page; resolves once it is written. Returns whether to continue: false if nobody reads the output any more.
 */
export type WritePage<T> = (page: readonly T[]) => Promise<boolean>

/** A list of any length, printed page by page. `empty` is printed on stderr if there are no items. */
export interface PagesView<T extends object> {
  readonly kind: 'pages'
  readonly forEachPage: (take: WritePage<T>) => Promise<void>
  readonly columns: readonly Column<T>[]
  readonly empty: LazyText
}

/** Any number of documents, printed page by page as a stream of YAML documents unless another format is requested. */
export interface DocumentsView {
  readonly kind: 'documents'
  readonly forEachPage: (take: WritePage<object>) => Promise<void>
  /** Printed on stderr if there are no documents. */
  readonly empty: LazyText
}

/** A result that is printed page by page. */
export type StreamView<T extends object = object> = PagesView<T> | DocumentsView

/** A result that is complete before it is printed. */
export type CompleteView<T extends object = object> = RecordView | ListView<T> | OutcomesView<T> | LinesView

/** A command's result, ready to print. */
export type View<T extends object = object> = CompleteView<T> | StreamView<T>
