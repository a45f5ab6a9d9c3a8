/** How a result can be printed. */
export type OutputFormat = 'table' | 'json' | 'yaml' | 'name' | 'id'

/** Each format, with what it is. */
export const FORMATS: Readonly<Record<OutputFormat, string>> = {
  table: 'for people: fits the terminal, and is neither cut nor coloured in a pipe',
  json: 'for scripts: one document; an error too is one, on standard error',
  yaml: 'the same as YAML',
  name: 'the names alone, one a line',
  id: 'the UUIDs alone, one a line',
}

export const OUTPUT_FORMATS = Object.keys(FORMATS) as OutputFormat[]
