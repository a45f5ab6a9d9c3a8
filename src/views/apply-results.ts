import { isInterruption } from '../domain/errors.ts'
import type { BatchItem } from '../operations/batch/item.ts'
import type { ItemError } from '../operations/batch/item-error.ts'
import type { FieldDifference, ItemPlan } from '../operations/batch/plan.ts'
import type { AppliedItem } from '../operations/batch/run-items.ts'
import type { LinesView, OutcomesView } from '../terminal/view.ts'

/** The change that `apply` would make to one data source, as `diff` prints it. */
export interface Difference {
  readonly name: string
  readonly env: string
  readonly action: 'create' | 'update' | 'delete'
  readonly fields: readonly FieldDifference[]
}

/** The data sources that `apply` would change; leaves out unchanged ones. */
export function findDifferences(
  items: readonly BatchItem[],
  plans: readonly ItemPlan[],
  superfluous: readonly { name: string; env: string }[],
): readonly Difference[] {
  const changed = items.flatMap(({ name, env }, at) => {
    const plan = plans[at]
    return plan && plan.action !== 'none' ? [{ name, env, action: plan.action, fields: plan.differences }] : []
  })
  return [...changed, ...superfluous.map(({ name, env }) => ({ name, env, action: 'delete' as const, fields: [] }))]
}

const SIGNS = { create: '+', update: '~', delete: '-' } as const
const TONES = { create: 'good', update: 'warning', delete: 'bad' } as const

export function differencesView(differences: readonly Difference[]): LinesView {
  const lines = differences.flatMap(({ name, env, action, fields }) => [
    { text: `${SIGNS[action]} ${action} ${name} (${env})`, tone: TONES[action] },
    ...fields.map(field => `    ${field.field}: ${fieldChange(field)}`),
  ])
  return { kind: 'lines', data: differences, lines }
}

function fieldChange({ secret, before, after }: FieldDifference): string {
  if (secret) return 'changed (secret)'
  if (before === null) return String(after)
  return `${String(before)} -> ${after === null ? 'not set' : String(after)}`
}

const NOT_ATTEMPTED = 'not done'

/** The outcome that the table shows. An item that was skipped because of an interruption is not shown as failed. */
export function outcomeText<A extends string>({ action, error }: { action: A; error: ItemError | null }) {
  return error && isInterruption(error.code) ? NOT_ATTEMPTED : action
}

/** The results of `apply`. */
export function applyResultsView(applied: readonly AppliedItem[]): OutcomesView<AppliedItem> {
  const counts = new Map<string, number>()
  for (const outcome of applied.map(outcomeText)) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const summary = ['created', 'updated', 'unchanged', 'deleted', 'failed', NOT_ATTEMPTED]
    .filter(outcome => counts.has(outcome))
    .map(outcome => `${counts.get(outcome)} ${outcome}`)
  return {
    kind: 'outcomes',
    data: applied,
    columns: [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'ENV', value: ({ env }) => env },
      { title: 'OUTCOME', value: outcomeText, fixed: true },
      { title: 'ID', value: ({ id }) => id, fixed: true, dropWhenNarrow: true },
      { title: 'ERROR', value: ({ error }) => error?.message, wrap: true },
    ],
    summary: `${summary.join(', ') || 'Nothing to do'}.`,
  }
}
