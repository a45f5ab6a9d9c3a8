import Table from 'cli-table3'
import stringWidth from 'string-width'
import type { ShownCell } from './cell.ts'
import type { Paint } from './colour.ts'

/** A table without its rows. */
export interface Frame {
  readonly head: readonly string[] | undefined
  /** Which columns are never cut. */
  readonly fixed: readonly boolean[]
  /** Which columns are left out where the others would have to be cut for them. */
  readonly spare?: readonly boolean[]
  /** Which columns go on in a further line where they would have to be cut. */
  readonly wraps?: readonly boolean[]
  /** The terminal's width; undefined where nothing is cut. */
  readonly width: number | undefined
  readonly paint: Paint
}

type Rows = readonly (readonly ShownCell[])[]

/** A table to draw. */
export interface Grid extends Frame {
  readonly rows: Rows
}

const GAP = 2
const NARROWEST = 6
// What of a longer text has to be seen.
const ENOUGH = 24
// cli-table3's time grows with the square of the number of rows.
const BATCH = 50
const NO_LINES = Object.fromEntries(
  // biome-ignore format: one list
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid',
    'mid', 'mid-mid', 'right', 'right-mid', 'middle'].map(name => [name, '']),
)

/** The table as text, one line a row: no borders, columns two spaces apart, no space at a line's end. */
export function renderTable(grid: Grid): string {
  return growingTable(grid)(grid.rows)
}

/**
 * The same of which the rows come bit by bit: a column grows where a later row is wider. Which columns there is room for
 * is seen from the first.
 */
export function growingTable(frame: Frame): (rows: Rows) => string {
  let table: ((rows: Rows) => string) | undefined
  let leftOut: readonly boolean[] = []
  return rows => {
    if (!table) leftOut = spared(frame, rows)
    const kept = <T>(row: readonly T[]) => row.filter((_, i) => !leftOut[i])
    const { head, fixed, wraps = [] } = frame
    table ??= tableOfAll({ ...frame, head: head && kept(head), fixed: kept(fixed), wraps: kept(wraps) })
    return table(rows.map(kept))
  }
}

/** Which columns are left out, which are none where there is room. */
function spared({ head, fixed, spare = [], width }: Frame, rows: Rows): readonly boolean[] {
  const needed = naturalWidths({ head, rows }).map((natural, i) => (fixed[i] ? natural : Math.min(natural, ENOUGH)))
  return width === undefined || total(needed) <= width ? [] : spare
}

function tableOfAll(frame: Frame): (rows: Rows) => string {
  let head: Rows = frame.head ? [frame.head.map(text => ({ text, tone: 'strong' as const }))] : []
  let natural: readonly number[] = []
  return rows => {
    const all = [...head, ...rows]
    head = []
    natural = naturalWidths({ head: undefined, rows: all }).map((width, i) => Math.max(width, natural[i] ?? 0))
    const widths = fittedWidths(frame, natural)
    let text = ''
    for (let start = 0; start < all.length; start += BATCH) {
      text += renderRows(frame, widths, all.slice(start, start + BATCH))
    }
    return text
  }
}

/** Each row as a block, with a line for every cell that says anything; undefined where the table is not too wide. */
export function renderBlocks({ head = [], rows, width, paint }: Grid): string | undefined {
  const whole = naturalWidths({ head, rows })
  if (width === undefined || total(whole) <= width) return undefined
  const indent = 2 + GAP + head.reduce((most, title) => Math.max(most, widthOf(title)), 0)
  const blocks = rows.map(([first, ...cells]) => {
    const lines = cells.flatMap(({ text, tone }, at) => {
      if (text === '-' || text === '') return []
      const [one = '', ...more] = wrapped(text, width - indent)
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

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && widthOf(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + GAP, -GAP)
}

function renderRows({ paint, wraps = [] }: Frame, widths: readonly number[], rows: Rows): string {
  const table = new Table({
    chars: NO_LINES,
    colWidths: widths.map(width => width + GAP),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': GAP },
  })
  for (const row of rows) {
    table.push(
      row.map(({ text, tone }, i) => {
        const width = widths[i] ?? 0
        const lines = wraps[i] ? wrapped(text, width) : [text]
        return lines.map(line => paint(cut(line, width), tone)).join('\n')
      }),
    )
  }
  return table
    .toString()
    .split('\n')
    .map(line => `${line.trimEnd()}\n`)
    .join('')
}

function naturalWidths({ head = [], rows }: Pick<Grid, 'head' | 'rows'>): number[] {
  return (rows[0] ?? []).map((_, i) => {
    const cells = rows.map(row => widthOf(row[i]?.text ?? ''))
    return cells.reduce((a, b) => Math.max(a, b), widthOf(head[i] ?? ''))
  })
}

function fittedWidths(frame: Frame, natural: readonly number[]): number[] {
  const widths = [...natural]
  let excess = frame.width === undefined ? 0 : total(widths) - frame.width
  for (; excess > 0; excess--) {
    const widest = widestFlexible(widths, frame.fixed)
    if (widest === undefined) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

function widestFlexible(widths: readonly number[], fixed: readonly boolean[]): number | undefined {
  let widest: number | undefined
  let width = NARROWEST
  for (const [i, each] of widths.entries()) {
    if (!fixed[i] && each > width) {
      widest = i
      width = each
    }
  }
  return widest
}

/** A text of at most `width` columns, ended by `…` where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let kept = ''
  let used = 1
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += widthOf(segment)
    if (used > width) break
    kept += segment
  }
  return `${kept}…`
}

function widthOf(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text)
}
