import Table from 'cli-table3'
import { blockRenderer } from './blocks.ts'
import type { FormattedCell } from './cell.ts'
import type { Painter } from './colour.ts'
import { displayWidth, truncate, wrapText } from './text-width.ts'

/** The layout of a table. Each list has one entry per column. */
export interface TableLayout {
  readonly head: readonly string[] | undefined
  /** Columns that are never truncated. */
  readonly fixed: readonly boolean[]
  /** Columns that are left out if the table is wider than the terminal. */
  readonly dropWhenNarrow?: readonly boolean[]
  /** Columns whose text continues on further lines instead of being truncated. */
  readonly wrap?: readonly boolean[]
  /** Prints each row as a block if the table is wider than `width`, so that nothing is truncated or left out. */
  readonly blocks?: boolean | undefined
  /** The terminal's width; undefined if nothing is to be truncated. */
  readonly width: number | undefined
  readonly paint: Painter
}

type Rows = readonly (readonly FormattedCell[])[]

/** A table with its rows. */
export interface TableContent extends TableLayout {
  readonly rows: Rows
}

const COLUMN_GAP = 2
// If a column would show fewer characters of a longer text than this, the columns with `dropWhenNarrow` are left out.
const READABLE_WIDTH = 24
// If a column would then still show fewer than this, each row is printed as a block.
const MIN_COLUMN_WIDTH = 12
const MIN_WRAPPED_WIDTH = 20
// cli-table3 takes quadratic time in the number of rows, so a table is rendered in parts.
const ROWS_PER_TABLE = 50
const NO_BORDERS = Object.fromEntries(
  // biome-ignore format: one list
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid',
    'mid', 'mid-mid', 'right', 'right-mid', 'middle'].map(name => [name, '']),
)

/** Renders a table with one line per row, without borders and without trailing spaces. */
export function renderTable(table: TableContent): string {
  return incrementalTable(table)(table.rows)
}

/**
 * Returns a function that renders further rows of one table. A column becomes wider if a later row needs it. The first
 * rows decide which columns are left out, and whether the rows are printed as blocks.
 */
export function incrementalTable(layout: TableLayout): (rows: Rows) => string {
  let render: ((rows: Rows) => string) | undefined
  return rows => {
    render ??= rendererFor(layout, rows)
    return render(rows)
  }
}

function rendererFor(layout: TableLayout, rows: Rows): (rows: Rows) => string {
  const { head, fixed, wrap = [], dropWhenNarrow = [], width } = layout
  if (width === undefined) return rowRenderer(layout)
  const natural = naturalWidths(layout, rows)
  const atMost = (most: (i: number) => number) => natural.map((all, i) => (fixed[i] ? all : Math.min(all, most(i))))
  if (totalWidth(layout.blocks ? natural : atMost(() => READABLE_WIDTH)) <= width) return rowRenderer(layout)
  const keep = <T>(row: readonly T[]) => row.filter((_, i) => !dropWhenNarrow[i])
  const least = keep(atMost(i => (wrap[i] ? MIN_WRAPPED_WIDTH : MIN_COLUMN_WIDTH)))
  if (layout.blocks || totalWidth(least) > width) return blockRenderer({ ...layout, width })
  const render = rowRenderer({ ...layout, head: head && keep(head), fixed: keep(fixed), wrap: keep(wrap) })
  return more => render(more.map(keep))
}

function rowRenderer(layout: TableLayout): (rows: Rows) => string {
  let head: Rows = layout.head ? [layout.head.map(text => ({ text, tone: 'strong' as const }))] : []
  let natural: readonly number[] = []
  return rows => {
    const all = [...head, ...rows]
    head = []
    natural = naturalWidths({ head: undefined }, all).map((width, i) => Math.max(width, natural[i] ?? 0))
    const widths = fittedWidths(layout, natural)
    let text = ''
    for (let start = 0; start < all.length; start += ROWS_PER_TABLE) {
      text += renderRows(layout, widths, all.slice(start, start + ROWS_PER_TABLE))
    }
    return text
  }
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + COLUMN_GAP, -COLUMN_GAP)
}

function renderRows({ paint, wrap: wraps = [] }: TableLayout, widths: readonly number[], rows: Rows): string {
  const table = new Table({
    chars: NO_BORDERS,
    colWidths: widths.map(width => width + COLUMN_GAP),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': COLUMN_GAP },
  })
  for (const row of rows) {
    table.push(
      row.map(({ text, tone }, i) => {
        const width = widths[i] ?? 0
        const lines = wraps[i] ? wrapText(text, width) : [text]
        return lines.map(line => paint(truncate(line, width), tone)).join('\n')
      }),
    )
  }
  return table
    .toString()
    .split('\n')
    .map(line => `${line.trimEnd()}\n`)
    .join('')
}

function naturalWidths({ head = [] }: Pick<TableLayout, 'head'>, rows: Rows): number[] {
  return (rows[0] ?? []).map((_, i) => {
    const cells = rows.map(row => displayWidth(row[i]?.text ?? ''))
    return cells.reduce((a, b) => Math.max(a, b), displayWidth(head[i] ?? ''))
  })
}

function fittedWidths(layout: TableLayout, natural: readonly number[]): number[] {
  const widths = [...natural]
  let excess = layout.width === undefined ? 0 : totalWidth(widths) - layout.width
  for (; excess > 0; excess--) {
    const widest = widestFlexible(widths, layout.fixed)
    if (widest === undefined) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

function widestFlexible(widths: readonly number[], fixed: readonly boolean[]): number | undefined {
  let widest: number | undefined
  let width = MIN_COLUMN_WIDTH
  for (const [i, each] of widths.entries()) {
    if (!fixed[i] && each > width) {
      widest = i
      width = each
    }
  }
  return widest
}
