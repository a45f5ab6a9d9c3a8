import type { FormattedCell } from './cell.ts'
import type { Painter } from './colour.ts'
import { displayWidth, wrapWords } from './text-width.ts'

/** The part of a table's layout that `blockRenderer` uses. */
export interface BlockLayout {
  readonly head: readonly string[] | undefined
  readonly width: number
  readonly paint: Painter
}

const MIN_TEXT_WIDTH = 16

/**
 * Returns a function that renders rows as blocks: the first cell as a heading, then one line per cell that is not
 * empty. Nothing is truncated. An empty line separates two blocks.
 */
export function blockRenderer(layout: BlockLayout): (rows: readonly (readonly FormattedCell[])[]) => string {
  let separator = ''
  return rows => {
    let text = ''
    for (const row of rows) {
      text += separator + renderBlock(layout, row)
      separator = '\n'
    }
    return text
  }
}

function renderBlock({ head = [], width, paint }: BlockLayout, [first, ...cells]: readonly FormattedCell[]): string {
  const indent = 4 + head.slice(1).reduce((most, title) => Math.max(most, displayWidth(title)), 0)
  const lines = cells.flatMap(({ text, tone }, at) => {
    if (text === '-' || text === '') return []
    const title = (head[at + 1] ?? '').toLowerCase()
    const padding = ' '.repeat(indent - 2 - displayWidth(title))
    const wrapped = wrapWords(text, Math.max(width - indent, MIN_TEXT_WIDTH))
    return wrapped.map((line, i) => (i === 0 ? `  ${title}${padding}` : ' '.repeat(indent)) + paint(line, tone))
  })
  return [paint(first?.text ?? '', 'strong'), ...lines].map(line => `${line}\n`).join('')
}
