import Table from 'cli-table3'
import stringWidth from 'string-width'
import type { FormattedCell } from './cell.ts'
import type { Painter } from './colour.ts'

/** The layout of a table. Each list has one entry per column. */
export interface TableLayout {
  readonly head: readonly string[] | undefined
  /** Columns that are never truncated. */
  readonly fixed: readonly boolean[]
  /** Columns that are left out if the table is wider than the terminal. */
  readonly dropWhenNarrow?: readonly boolean[]
  /** Columns whose text continues on further lines instead of being truncated. */
  readonly wrap?: readonly boolean[]
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
const MIN_COLUMN_WIDTH = 6
// A column is readable if it shows this many characters of a longer text.
const READABLE_WIDTH = 24
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
 * rows decide which columns are dropped.
 */
export function incrementalTable(layout: TableLayout): (rows: Rows) => string {
  let table: ((rows: Rows) => string) | undefined
  let leftOut: readonly boolean[] = []
  return rows => {
    if (!table) leftOut = droppedColumns(layout, rows)
    const kept = <T>(row: readonly T[]) => row.filter((_, i) => !leftOut[i])
    const { head, fixed, wrap = [] } = layout
    table ??= rowRenderer({ ...layout, head: head && kept(head), fixed: kept(fixed), wrap: kept(wrap) })
    return table(rows.map(kept))
  }
}

/** The columns to leave out; none if the table fits. */
function droppedColumns({ head, fixed, dropWhenNarrow = [], width }: TableLayout, rows: Rows): readonly boolean[] {
  const needed = naturalWidths({ head, rows }).map((natural, i) =>
    fixed[i] ? natural : Math.min(natural, READABLE_WIDTH),
  )
  return width === undefined || totalWidth(needed) <= width ? [] : dropWhenNarrow
}

function rowRenderer(layout: TableLayout): (rows: Rows) => string {
  let head: Rows = layout.head ? [layout.head.map(text => ({ text, tone: 'strong' as const }))] : []
  let natural: readonly number[] = []
  return rows => {
    const all = [...head, ...rows]
    head = []
    natural = naturalWidths({ head: undefined, rows: all }).map((width, i) => Math.max(width, natural[i] ?? 0))
    const widths = fittedWidths(layout, natural)
    let text = ''
    for (let start = 0; start < all.length; start += ROWS_PER_TABLE) {
      text += renderRows(layout, widths, all.slice(start, start + ROWS_PER_TABLE))
    }
    return text
  }
}

/** Renders each row as a block with one line per non-empty cell; undefined if the table fits the width. */
export function renderBlocks({ head = [], rows, width, paint }: TableContent): string | undefined {
  const natural = naturalWidths({ head, rows })
  if (width === undefined || totalWidth(natural) <= width) return undefined
  const indent = 2 + COLUMN_GAP + head.reduce((most, title) => Math.max(most, displayWidth(title)), 0)
  const blocks = rows.map(([first, ...cells]) => {
    const lines = cells.flatMap(({ text, tone }, at) => {
      if (text === '-' || text === '') return []
      const [one = '', ...more] = wrap(text, width - indent)
      const title = (head[at + 1] ?? '').toLowerCase()
      return [
        `  ${title.padEnd(indent - 2)}${paint(one, tone)}`,
        ...more.map(line => ' '.repeat(indent) + paint(line, tone)),
      ]
    })
    return [paint(first?.text ?? '', 'strong'), ...lines].map(line => `${line}\n`).join('')
  })
  return blocks.join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && displayWidth(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
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
        const lines = wraps[i] ? wrap(text, width) : [text]
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

function naturalWidths({ head = [], rows }: Pick<TableContent, 'head' | 'rows'>): number[] {
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

/** Shortens a text to at most `width` columns and marks the cut with `…`. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += displayWidth(segment)
    if (used > width) break
    kept += segment
  }
  return `${kept}…`
}

function displayWidth(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text)
}
