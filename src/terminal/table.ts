import Table from 'cli-table3'
import stringWidth from 'string-width'
import type { FormattedCell } from './cell.ts'
import type { Painter } from './colour.ts'

/** A table without its rows. */
export interface TableLayout {
  readonly head: readonly string[] | undefined
  /** Which columns are never cut. */
  readonly fixed: readonly boolean[]
  /** Which columns are left out where the others would have to be cut for them. */
  readonly dropWhenNarrow?: readonly boolean[]
  /** Which columns go on in a further line where they would have to be cut. */
  readonly wrap?: readonly boolean[]
  /** The terminal's width; undefined where nothing is cut. */
  readonly width: number | undefined
  readonly paint: Painter
}

type Rows = readonly (readonly FormattedCell[])[]

/** A table to draw. */
export interface TableContent extends TableLayout {
  readonly rows: Rows
}

const COLUMN_GAP = 2
const MIN_COLUMN_WIDTH = 6
// What of a longer text has to be seen.
const READABLE_WIDTH = 24
// cli-table3's time grows with the square of the number of rows.
const ROWS_PER_TABLE = 50
const NO_BORDERS = Object.fromEntries(
  // biome-ignore format: one list
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid',
    'mid', 'mid-mid', 'right', 'right-mid', 'middle'].map(name => [name, '']),
)

/** The table as text, one line a row: no borders, columns two spaces apart, no space at a line's end. */
export function renderTable(grid: TableContent): string {
  return incrementalTable(grid)(grid.rows)
}

/**
 * The same of which the rows come bit by bit: a column grows where a later row is wider. Which columns there is room for
 * is seen from the first.
 */
export function incrementalTable(frame: TableLayout): (rows: Rows) => string {
  let table: ((rows: Rows) => string) | undefined
  let leftOut: readonly boolean[] = []
  return rows => {
    if (!table) leftOut = droppedColumns(frame, rows)
    const kept = <T>(row: readonly T[]) => row.filter((_, i) => !leftOut[i])
    const { head, fixed, wrap = [] } = frame
    table ??= rowRenderer({ ...frame, head: head && kept(head), fixed: kept(fixed), wrap: kept(wrap) })
    return table(rows.map(kept))
  }
}

/** Which columns are left out, which are none where there is room. */
function droppedColumns({ head, fixed, dropWhenNarrow = [], width }: TableLayout, rows: Rows): readonly boolean[] {
  const needed = naturalWidths({ head, rows }).map((natural, i) =>
    fixed[i] ? natural : Math.min(natural, READABLE_WIDTH),
  )
  return width === undefined || totalWidth(needed) <= width ? [] : dropWhenNarrow
}

function rowRenderer(frame: TableLayout): (rows: Rows) => string {
  let head: Rows = frame.head ? [frame.head.map(text => ({ text, tone: 'strong' as const }))] : []
  let natural: readonly number[] = []
  return rows => {
    const all = [...head, ...rows]
    head = []
    natural = naturalWidths({ head: undefined, rows: all }).map((width, i) => Math.max(width, natural[i] ?? 0))
    const widths = fittedWidths(frame, natural)
    let text = ''
    for (let start = 0; start < all.length; start += ROWS_PER_TABLE) {
      text += renderRows(frame, widths, all.slice(start, start + ROWS_PER_TABLE))
    }
    return text
  }
}

/** Each row as a block, with a line for every cell that says anything; undefined where the table is not too wide. */
export function renderBlocks({ head = [], rows, width, paint }: TableContent): string | undefined {
  const whole = naturalWidths({ head, rows })
  if (width === undefined || totalWidth(whole) <= width) return undefined
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

function fittedWidths(frame: TableLayout, natural: readonly number[]): number[] {
  const widths = [...natural]
  let excess = frame.width === undefined ? 0 : totalWidth(widths) - frame.width
  for (; excess > 0; excess--) {
    const widest = widestFlexible(widths, frame.fixed)
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

/** A text of at most `width` columns, ended by `…` where something is missing. */
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
