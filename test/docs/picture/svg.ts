import type { Span, Style } from './screen.ts'

const FONT_SIZE = 14
const CHARACTER_WIDTH = 8.4
const LINE_HEIGHT = 19
const MARGIN = 20
const TITLE_BAR = 36

const BACKGROUND = '#0d1117'
const FOREGROUND = '#e6edf3'
const COLORS = ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#f0f6fc']

/** The lines of a terminal as an SVG picture. */
export function svgOf(lines: readonly (readonly Span[])[], columns: number, title: string): string {
  const width = Math.round(columns * CHARACTER_WIDTH + 2 * MARGIN)
  const height = TITLE_BAR + lines.length * LINE_HEIGHT + MARGIN
  const buttons = ['#ff5f57', '#febc2e', '#28c840'].map(
    (color, at) => `<circle cx="${MARGIN + at * 20}" cy="18" r="6" fill="${color}"/>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escapeXml(title)}</title>
<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>
${buttons.join('')}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}" fill="${FOREGROUND}" xml:space="preserve">
${lines.flatMap(lineOf).join('\n')}
</g>
</svg>
`
}

function lineOf(spans: readonly Span[], row: number): readonly string[] {
  if (spans.length === 0) return []
  const y = TITLE_BAR + (row + 1) * LINE_HEIGHT - 5
  const text = spans.flatMap(columnsOf).map(span => {
    const [x, length] = [MARGIN + span.column * CHARACTER_WIDTH, [...span.text].length * CHARACTER_WIDTH]
    return `<tspan x="${round(x)}" textLength="${round(length)}"${attributes(span.style)}>${escapeXml(span.text)}</tspan>`
  })
  return [`<text y="${y}">${text.join('')}</text>`]
}

/** Splits a span where columns begin, so that they line up in any font. */
function columnsOf(span: Span): readonly Span[] {
  const found = [...span.text.matchAll(/\S+(?: \S+)*/g)]
  return found.map(({ 0: text, index }) => ({ ...span, text, column: span.column + index }))
}

function attributes({ color, bold, dim }: Style): string {
  return [
    color === undefined ? '' : ` fill="${COLORS[color]}"`,
    bold ? ' font-weight="bold"' : '',
    dim ? ' opacity="0.6"' : '',
  ].join('')
}

function round(number: number): number {
  return Math.round(number * 10) / 10
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
