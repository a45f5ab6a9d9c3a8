import { loadPainter, type Tone } from './colour.ts'
import { toPrintable } from './printable.ts'
import { PromptCancelled, WentBack } from './prompt-exit.ts'
import { type Choice, promptSelect } from './prompts.ts'
import { type Streams, writeMessage } from './streams.ts'

/** One line of the summary. A secret must be sealed, so that it prints as `[REDACTED]`. */
export interface ReviewRow {
  /** The field that can be edited; undefined if this line is only for information. */
  readonly field: string | undefined
  readonly label: string
  readonly value: unknown
}

/** The values that the user is asked to save. */
export interface Summary {
  readonly rows: readonly ReviewRow[]
  readonly question: string
  /** Printed between the summary and the question, for example the result of a test. */
  readonly result?: { readonly text: string; readonly tone: Tone } | undefined
}

/** The user's decision. `back`: return to the last question. */
export type Decision =
  | { readonly kind: 'save' | 'test' | 'cancel' | 'back' }
  | { readonly kind: 'edit'; readonly field: string }

/** Shows the values and asks whether to save them, edit a field, test the connection, go back, or cancel. */
export async function reviewSummary(streams: Streams, summary: Summary): Promise<Decision> {
  const { renderTable } = await import('./table.ts')
  const paint = await loadPainter(streams, streams.stderr)
  const rows = summary.rows.map(({ label, value }) => [
    { text: toPrintable(label), tone: 'strong' as const },
    { text: toPrintable(String(value)), tone: undefined },
  ])
  // Not truncated: the user must see all of what is saved.
  const table = renderTable({ head: undefined, rows, fixed: [true, false], width: undefined, paint })
  writeMessage(streams, `\n${table}\n`)
  const { result } = summary
  if (result) writeMessage(streams, `${paint(toPrintable(result.text), result.tone)}\n\n`)
  return askDecision({ ...streams, canGoBack: true }, summary)
}

async function askDecision(streams: Streams, { rows, question }: Summary): Promise<Decision> {
  const choices: Choice<Decision['kind']>[] = [
    { value: 'save', name: 'Save' },
    { value: 'edit', name: 'Edit a field' },
    { value: 'test', name: 'Test the connection' },
    { value: 'cancel', name: 'Cancel' },
  ]
  for (;;) {
    const kind = await promptSelect<Decision['kind']>(streams, question, { choices, preset: 'save' }).catch(
      backToQuestions,
    )
    if (kind !== 'edit') return { kind }
    const field = await askWhichField(streams, rows).catch(backToDecision)
    if (field !== undefined) return { kind, field }
  }
}

function askWhichField(streams: Streams, rows: readonly ReviewRow[]): Promise<string> {
  const choices = rows.flatMap(({ field, label }) => (field === undefined ? [] : [{ value: field, name: label }]))
  return promptSelect<string>(streams, 'Which field?', { choices })
}

function backToQuestions(error: unknown): 'back' {
  if (error instanceof WentBack) return 'back'
  throw error
}

function backToDecision(error: unknown): undefined {
  if (!(error instanceof PromptCancelled || error instanceof WentBack)) throw error
}
