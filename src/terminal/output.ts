import type { OutputFormat } from '../domain/output-format.ts'
import { type FormattedCell, formatCell } from './cell.ts'
import { loadPainter } from './colour.ts'
import { formatJson, formatYaml } from './documents.ts'
import { printNote } from './messages.ts'
import { toPrintable } from './printable.ts'
import { type Output, type Streams, writeData } from './streams.ts'
import type { TableLayout } from './table.ts'
import { terminalWidth } from './terminal-width.ts'
import type { Column, CompleteView, LazyText, LinesView, ListView, OutcomesView, RecordView } from './view.ts'

/**
 * Loads what printing in `format` needs. Commands do so before they change anything: if dsctl is upgraded meanwhile, its
 * files are no longer there afterwards.
 */
export async function loadPrinter(streams: Streams, format: OutputFormat): Promise<void> {
  if (format === 'yaml') await import('../lib/yaml.ts')
  if (format === 'table') await Promise.all([import('./table.ts'), loadPainter(streams, streams.stdout)])
}

/** Prints a complete result on stdout in the requested format. */
export async function printView<T extends object>(
  streams: Streams,
  format: OutputFormat,
  view: CompleteView<T>,
): Promise<void> {
  if (format === 'json') writeData(streams, formatJson(documentOf(view)))
  else if (format === 'yaml') writeData(streams, await formatYaml(documentOf(view)))
  else if (format === 'table') await printText(streams, view)
  else writeData(streams, formatKeys([view.data].flat(), format))
}

function documentOf<T extends object>(view: CompleteView<T>): unknown {
  return view.kind === 'list' && view.document !== undefined ? view.document : view.data
}

/** One name or id per line. An item without a name has its id instead; one with neither is left out. */
export function formatKeys(items: readonly unknown[], key: 'name' | 'id'): string {
  return items
    .map((item): unknown[] => [Object(item)[key], Object(item).id])
    .map(candidates => candidates.find(isFilled))
    .map(value => (value === undefined ? '' : `${toPrintable(value)}\n`))
    .join('')
}

// Rows that were imported into the database may have an empty name.
function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function printText<T extends object>(streams: Streams, view: CompleteView<T>): Promise<void> {
  if (view.kind === 'record') return printRecord(streams, view)
  if (view.kind === 'lines') return printLines(streams, view)
  return printList(streams, view)
}

async function printRecord(streams: Streams, view: RecordView): Promise<void> {
  const { renderTable } = await import('./table.ts')
  const paint = await loadPainter(streams, streams.stdout)
  const now = clockFor(streams.stdout)
  const rows = view.rows
    .filter(([, value]) => value !== undefined)
    .map(([label, value]) => [{ text: toPrintable(label), tone: 'strong' as const }, formatCell(value, now)])
  // Values of a single record are never truncated.
  writeData(streams, renderTable({ head: undefined, rows, fixed: [true, true], width: undefined, paint }))
}

async function printLines(streams: Streams, view: LinesView): Promise<void> {
  const paint = await loadPainter(streams, streams.stdout)
  for (const line of view.lines) {
    const { text, tone } = typeof line === 'string' ? { text: line, tone: undefined } : line
    writeData(streams, `${paint(toPrintable(text), tone)}\n`)
  }
}

async function printList<T extends object>(streams: Streams, view: ListView<T> | OutcomesView<T>): Promise<void> {
  if (view.data.length > 0) await printTable(streams, view)
  else if (view.kind === 'list') printNote(streams, await readText(view.empty))
  if (view.kind === 'outcomes' && view.summary !== undefined) printNote(streams, view.summary)
}

/** Resolves a text that may be a function. */
export async function readText(text: LazyText): Promise<string> {
  return typeof text === 'string' ? text : await text()
}

async function printTable<T extends object>(streams: Streams, view: ListView<T> | OutcomesView<T>): Promise<void> {
  const { incrementalTable } = await import('./table.ts')
  const { layout, rowOf } = await tableLayout(streams, view.columns)
  const { blocks, defaultWidth } = view.kind === 'list' ? view : {}
  const table = incrementalTable({ ...layout, blocks, width: layout.width ?? defaultWidth })
  writeData(streams, table(view.data.map(rowOf)))
}

/** A table's layout on stdout, and a function that converts an item to a row. */
export async function tableLayout<T>(
  streams: Streams,
  columns: readonly Column<T>[],
): Promise<{ layout: TableLayout; rowOf: (item: T) => FormattedCell[] }> {
  const now = clockFor(streams.stdout)
  const layout = {
    head: columns.map(column => toPrintable(column.title)),
    fixed: columns.map(column => column.fixed === true),
    dropWhenNarrow: columns.map(column => column.dropWhenNarrow === true),
    wrap: columns.map(column => column.wrap === true),
    width: terminalWidth(streams, streams.stdout),
    paint: await loadPainter(streams, streams.stdout),
  }
  return { layout, rowOf: item => columns.map(column => formatCell(column.value(item), now)) }
}

function clockFor(output: Output): Date | undefined {
  return output.isTTY ? new Date() : undefined
}
