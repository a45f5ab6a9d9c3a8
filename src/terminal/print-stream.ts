import type { OutputFormat } from '../domain/output-format.ts'
import { formatJson, formatYaml } from './documents.ts'
import { printNote } from './messages.ts'
import { formatKeys, readText, tableLayout } from './output.ts'
import { type Streams, writeDataAndWait } from './streams.ts'
import type { StreamView } from './view.ts'

/** Writes pages in one format. Output that is cut off must not parse as a complete document. */
interface Writer {
  page(items: readonly object[]): Promise<string> | string
  /** Written if there are no pages. */
  readonly none: string
  /** Written after the last page. */
  readonly end: string
  /** Written if the stream stops before its last page. */
  readonly truncated: string
}

/** Prints pages as they arrive. Stops if nobody reads them or if `isEnding` returns true. */
export async function printStream<T extends object>(
  streams: Streams,
  format: OutputFormat,
  { view, isEnding }: { view: StreamView<T>; isEnding: () => boolean },
): Promise<void> {
  const writer = await writerFor(streams, format, view)
  let begun = false
  let isRead = true
  try {
    await view.forEachPage(async page => {
      if (!isRead || isEnding()) return false
      const text = await writer.page(page)
      begun = true
      isRead = await writeDataAndWait(streams, text)
      return isRead && !isEnding()
    })
  } catch (error) {
    if (begun && isRead) await writeDataAndWait(streams, writer.truncated)
    throw error
  }
  if (begun && isRead) await writeDataAndWait(streams, isEnding() ? writer.truncated : writer.end)
  if (begun || !isRead || isEnding()) return
  if (writer.none) await writeDataAndWait(streams, writer.none)
  if (view.kind === 'documents' || format === 'table') printNote(streams, await readText(view.empty))
}

async function writerFor<T extends object>(
  streams: Streams,
  format: OutputFormat,
  view: StreamView<T>,
): Promise<Writer> {
  if (format === 'json') return jsonWriter()
  if (view.kind === 'documents' && (format === 'table' || format === 'yaml')) return yamlWriter(documents())
  if (format === 'yaml') return yamlWriter(formatYaml)
  if (format !== 'table') return lineWriter(items => formatKeys(items, format))
  if (view.kind === 'documents') return lineWriter(() => '')
  const { incrementalTable } = await import('./table.ts')
  const { layout, rowOf } = await tableLayout(streams, view.columns)
  const table = incrementalTable(layout)
  return lineWriter(items => table((items as readonly T[]).map(rowOf)))
}

function lineWriter(page: Writer['page']): Writer {
  return { page, none: '', end: '', truncated: '' }
}

/** Writes one array. Every chunk ends in a newline, so that a spinner between two chunks does not erase output. */
function jsonWriter(): Writer {
  let begin = '[\n'
  return {
    page(items) {
      const document = formatJson(items)
      const text = `${begin}${document.slice(2, -'\n  }\n]\n'.length)}\n`
      begin = '  },\n'
      return text
    },
    none: '[]\n',
    end: '  }\n]\n',
    truncated: '',
  }
}

// The beginning of a YAML document is valid YAML too. This line makes it invalid.
const TRUNCATION_MARK = '] dsctl was interrupted here. This output is incomplete.\n'

function yamlWriter(page: Writer['page']): Writer {
  return { page, none: '', end: '', truncated: TRUNCATION_MARK }
}

function documents(): Writer['page'] {
  let separator = ''
  return async items => {
    let text = ''
    for (const item of items) {
      text += `${separator}${await formatYaml(item)}`
      separator = '---\n'
    }
    return text
  }
}
