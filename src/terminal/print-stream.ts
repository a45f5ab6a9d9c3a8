import type { OutputFormat } from '../domain/output-format.ts'
import { formatJson, formatYaml } from './documents.ts'
import { printNote } from './messages.ts'
import { formatKeys, tableLayout } from './output.ts'
import { type Streams, writeDataAndWait } from './streams.ts'
import type { StreamView } from './view.ts'

/** How a stream is written. What is not ended as it should be is no document. */
interface Writer {
  page(items: readonly object[]): Promise<string> | string
  readonly none: string
  readonly end: string
  /** After the last page where there were to be more. */
  readonly torn: string
}

/** Prints what comes page by page, as it comes; `ending` says whether the program is ending meanwhile. */
export async function printStream<T extends object>(
  streams: Streams,
  format: OutputFormat,
  { view, ending }: { view: StreamView<T>; ending: () => boolean },
): Promise<void> {
  const writer = await writerFor(streams, format, view)
  let begun = false
  let going = true
  try {
    await view.forEachPage(async page => {
      if (!going || ending()) return false
      const text = await writer.page(page)
      begun = true
      going = await writeDataAndWait(streams, text)
      return going && !ending()
    })
  } catch (error) {
    if (begun && going) await writeDataAndWait(streams, writer.torn)
    throw error
  }
  if (begun && going) await writeDataAndWait(streams, ending() ? writer.torn : writer.end)
  if (begun || !going || ending()) return
  if (writer.none) await writeDataAndWait(streams, writer.none)
  if (view.kind === 'documents' || format === 'table') printNote(streams, view.empty)
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
  const { frame, rowOf } = await tableLayout(streams, view.columns)
  const table = incrementalTable(frame)
  return lineWriter(items => table((items as readonly T[]).map(rowOf)))
}

function lineWriter(page: Writer['page']): Writer {
  return { page, none: '', end: '', torn: '' }
}

/** One array. A chunk ends in a line's end, so that a spinner between two wipes out nothing. */
function jsonWriter(): Writer {
  let begin = '[\n'
  return {
    page(items) {
      const whole = formatJson(items)
      const text = `${begin}${whole.slice(2, -'\n  }\n]\n'.length)}\n`
      begin = '  },\n'
      return text
    },
    none: '[]\n',
    end: '  }\n]\n',
    torn: '',
  }
}

// A part of a YAML document, or of several, may be one too: it must not be taken for the whole.
const TRUNCATION_MARK = '] dsctl was stopped here: this is not all of it.\n'

function yamlWriter(page: Writer['page']): Writer {
  return { page, none: '', end: '', torn: TRUNCATION_MARK }
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
