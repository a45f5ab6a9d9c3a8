/** The formats in which a result can be printed. */
export type OutputFormat = 'table' | 'json' | 'yaml' | 'name' | 'id'

/** Each format with its description for help. */
export const FORMATS: Readonly<Record<OutputFormat, string>> = {
  table: 'for people: fits the width of a terminal; neither truncated nor coloured in a pipe',
  json: 'for scripts: one JSON document; errors are also JSON, on standard error',
  yaml: 'the same document as YAML',
  name: 'only the names, one per line',
  id: 'only the UUIDs, one per line',
}

export const OUTPUT_FORMATS = Object.keys(FORMATS) as OutputFormat[]
