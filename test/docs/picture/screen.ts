/** A piece of a line in one style. */
export interface Span {
  readonly column: number
  readonly text: string
  readonly style: Style
}

export interface Style {
  /** An ANSI colour from 0 (black) to 7 (white); undefined is the default. */
  readonly color?: number | undefined
  readonly bold?: boolean
  readonly dim?: boolean
}

interface Cell {
  readonly character: string
  readonly style: Style
}

/** What a terminal shows after this output: its lines, in spans of one style. It knows only the codes that dsctl writes. */
export function screenOf(output: string): readonly (readonly Span[])[] {
  const lines: Cell[][] = [[]]
  let row = 0
  let column = 0
  let style: Style = {}
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes of a terminal begin with one
  for (const [part, parameters = '', code] of output.matchAll(/\x1b\[([?\d;]*)([A-Za-z])|./gsu)) {
    const count = Number(parameters || 1)
    while (lines.length <= row) lines.push([])
    const line = lines[row] ?? []
    if (code === 'm') style = parameters.split(';').reduce(withCode, style)
    else if (code === 'G') column = count - 1
    else if (code === 'A') row = Math.max(0, row - count)
    else if (code === 'B') row += count
    else if (code === 'C') column += count
    else if (code === 'D') column = Math.max(0, column - count)
    else if (code === 'K') line.splice(parameters === '2' ? 0 : column)
    else if (code === 'J') lines.splice(row + 1)
    else if (code !== undefined) continue
    else if (part === '\r') column = 0
    else if (part === '\n') row++
    else put(line, column++, { character: part, style })
  }
  return lines.map(spansOf)
}

function put(line: Cell[], column: number, cell: Cell): void {
  while (line.length < column) line.push({ character: ' ', style: {} })
  line[column] = cell
}

function withCode(style: Style, text: string): Style {
  const code = Number(text)
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (code === 22) return { color: style.color }
  if (code >= 30 && code <= 37) return { ...style, color: code - 30 }
  if (code === 39) return { ...style, color: undefined }
  return code === 0 ? {} : style
}

function spansOf(line: readonly Cell[]): readonly Span[] {
  const spans: { column: number; text: string; style: Style }[] = []
  for (const [column, { character, style }] of line.entries()) {
    const last = spans.at(-1)
    if (last && last.style === style) last.text += character
    else spans.push({ column, text: character, style })
  }
  return spans.filter(({ text }) => text.trim() !== '').map(span => ({ ...span, text: span.text.trimEnd() }))
}
