import type { DeleteResult } from '../operations/delete-many.ts'
import type { OutcomesView } from '../terminal/view.ts'
import { outcomeText } from './apply-results.ts'

/** The results of `delete` with several data sources. */
export function deleteResultsView(outcomes: readonly DeleteResult[], withEnv: boolean): OutcomesView<DeleteResult> {
  return {
    kind: 'outcomes',
    data: outcomes,
    columns: [
      { title: 'REF', value: ({ ref }) => ref },
      ...(withEnv ? [{ title: 'ENV', value: ({ env }: DeleteResult) => env }] : []),
      { title: 'OUTCOME', value: outcomeText, fixed: true },
      { title: 'ERROR', value: ({ error }) => error?.message, wrap: true },
    ],
    summary: summaryOf(outcomes),
  }
}

function summaryOf(outcomes: readonly DeleteResult[]): string {
  const count = (wanted: DeleteResult['action']) => outcomes.filter(({ action }) => action === wanted).length
  const missing = count('not found')
  return `${count('deleted')} of ${outcomes.length} deleted${missing ? `, ${missing} not found` : ''}.`
}
