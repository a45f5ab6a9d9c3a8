import { loadPainter } from './colour.ts'
import { toPrintable } from './printable.ts'
import { type Choice, promptSelect } from './prompts.ts'
import { type Streams, writeMessage } from './streams.ts'

/** One line of the summary. A secret must be sealed, so that it prints as `[REDACTED]`. */
export interface ReviewRow {
  readonly field: string
  readonly label: string
  readonly value: unknown
}

/** The user's decision. */
export type Decision = { readonly kind: 'save' | 'test' | 'cancel' } | { readonly kind: 'edit'; readonly field: string }

/** Shows the values and asks whether to save them, edit a field, test the connection, or cancel. */
export async function reviewSummary(streams: Streams, rows: readonly ReviewRow[], question: string): Promise<Decision> {
  const { renderTable } = await import('./table.ts')
  const paint = await loadPainter(streams, streams.stderr)
  const cells = rows.map(({ label, value }) => [
    { text: toPrintable(label), tone: 'strong' as const },
    { text: toPrintable(String(value)), tone: undefined },
  ])
  const summary = renderTable({
    head: undefined,
    rows: cells,
    fixed: [true, false],
    width: undefined, // the user must see all of what is saved
    paint,
  })
  writeMessage(streams, `\n${summary}\n`)
  return askDecision(streams, rows, question)
}

async function askDecision(streams: Streams, rows: readonly ReviewRow[], question: string): Promise<Decision> {
  const choices: Choice<Decision['kind']>[] = [
    { value: 'save', name: 'Save' },
    { value: 'edit', name: 'Edit a field' },
    { value: 'test', name: 'Test the connection' },
    { value: 'cancel', name: 'Cancel' },
  ]
  const kind = await promptSelect<Decision['kind']>(streams, question, { choices, preset: 'save' })
  if (kind !== 'edit') return { kind }
  const fields = rows.map(({ field, label }) => ({ value: field, name: label }))
  const field = await promptSelect<string>(streams, 'Which field?', { choices: fields })
  return { kind: 'edit', field }
}
