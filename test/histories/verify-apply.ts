import type { Row } from '../support/stored.ts'
import { hostOf, INITIAL } from './command-line.ts'
import type { Item } from './history.ts'
import type { OutsideWrite } from './history-run.ts'
import type { Effect, Model } from './linearize.ts'
import { errorOf, type Observed, wasWrittenOutside } from './verify.ts'

// An apply is checked as one create or update per item, each by its reported result. Audit events name only the apply; an
// event belongs to the item with the name that was created, or with the id that was updated.

/** The reported result of one item. */
interface ItemResult {
  readonly name: string
  readonly action: 'created' | 'updated' | 'unchanged' | 'failed'
  readonly id: string | null
  readonly error: { readonly exit_code: number; readonly outcome?: string; readonly message: string } | null
}

/** Whether something that the apply sent may still take effect after it has ended. */
export function mayChangeLater(apply: Observed): boolean {
  return itemResultsOf(apply).some(({ error }) => error?.exit_code === 7)
}

/** Every false result that the apply reported, one sentence each. */
export function falseReportsOfApply(apply: Observed, outside: readonly OutsideWrite[]): string[] {
  const { label, result, intents } = apply
  const items = itemResultsOf(apply)
  const text = `${label} ended with ${result?.code} ${result?.stdout}${result?.stderr}`
  const reportsNoChange = result?.code === 7 && errorOf(result.stderr).outcome === 'none'
  const hasChanges = doneEvents(apply, 'create').length + doneEvents(apply, 'update').length > 0
  return [
    ...(result && !reportsNoChange && ![0, 8].includes(result.code) ? [`${text}, which is not expected`] : []),
    ...(reportsNoChange && hasChanges ? [`${text}, but it made changes`] : []),
    ...(result?.code === 0 && items.some(({ action }) => action === 'failed') ? [`${text}, but an item failed`] : []),
    ...items.flatMap(item => falseReportsOfItem(apply, item).map(problem => `${text}, but ${item.name} ${problem}`)),
    ...[...unreported(apply, items)].map(problem => `${text}, but ${problem}`),
    ...intents
      .filter(({ outcome, data_source_id }) => outcome === 'unknown' && !wasWrittenOutside(outside, data_source_id))
      .map(({ data_source_id: id }) => `the outcome of ${label} for ${id} is unknown, without a write outside dsctl`),
  ]
}

/** The item results of an apply; none if it was killed, or failed before it had any. */
function itemResultsOf({ command, result }: Observed): readonly ItemResult[] {
  return command.kind === 'apply' && result && [0, 8].includes(result.code) ? JSON.parse(result.stdout) : []
}

function doneEvents({ events }: Observed, action: 'create' | 'update'): readonly Row[] {
  return events.filter(event => event.outcome === 'done' && event.action === action)
}

function falseReportsOfItem(apply: Observed, { name, action, id, error }: ItemResult): string[] {
  const isOwn = (event: Row) => event.data_source_id === id
  const created = doneEvents(apply, 'create').filter(event => event.after.name === name)
  if (action === 'created' && !(created.length === 1 && created.every(isOwn))) return ['was not created with this id']
  if (action === 'updated' && !doneEvents(apply, 'update').some(isOwn)) return ['was not updated']
  if (action === 'failed' && ![5, 6, 7].includes(error?.exit_code ?? 0)) return ['failed with an unexpected error']
  return []
}

/** The changes that happened more often than the apply reported. */
function unreported(apply: Observed, items: readonly ItemResult[]): Set<string> {
  const batch = apply.command.kind === 'apply' ? apply.command.items : []
  // Without a result, each item may have happened once.
  const uncertain = apply.result ? items.filter(isUncertain).map(({ name }) => name) : batch.map(({ name }) => name)
  const created = items.filter(({ action }) => action === 'created').map(({ name }) => name)
  const creates = doneEvents(apply, 'create').map(event => String(event.after.name))
  const updates = doneEvents(apply, 'update').map(event => String(event.data_source_id))
  const reported = (id: string) => items.filter(item => item.action === 'updated' && item.id === id).length
  const count = <T>(all: readonly T[], value: T) => all.filter(each => each === value).length
  const excess = [...new Set(updates)].reduce((sum, id) => sum + Math.max(0, count(updates, id) - reported(id)), 0)
  return new Set([
    ...creates
      .filter(name => count(creates, name) > count([...uncertain, ...created], name))
      .map(name => `it created ${name}`),
    ...(excess > uncertain.length ? [`it made more updates: ${updates}`] : []),
  ])
}

/** Whether the item may have happened or not: the outcome is unknown, or it was done and has already been deleted. */
function isUncertain({ error }: ItemResult): boolean {
  return error !== null && (error.outcome === 'unknown' || /^It was done/.test(error.message))
}

/** The effects that explain the results of an apply. `alone`: nothing else ran at the same time. */
export function effectsOfApply(apply: Observed, { alone }: { alone: boolean }): Effect[] {
  const items = itemResultsOf(apply)
  const effects = [
    ...createEffects(apply, items),
    ...updateEffects(apply, items),
    ...unknownEffects(apply),
    ...items.flatMap(item => conditionsOfItem(apply, item, { alone })),
  ]
  return effects.map((effect, n) => ({ ...effect, label: `${apply.label}.${n}` }))
}

type UnlabelledEffect = Omit<Effect, 'label'>

function createEffects(apply: Observed, items: readonly ItemResult[]): UnlabelledEffect[] {
  return doneEvents(apply, 'create').map(event => {
    const id = String(event.data_source_id)
    const name = String(event.after.name)
    const created = { ...INITIAL, name, live: true, host: hostFor(apply, name) }
    const isOpenEnded = items.some(item => isUncertain(item) && item.name === name)
    return {
      ...spanOf(apply, { isOpenEnded }),
      apply: (model: Model) => (isNameTaken(model, name) ? [] : [{ ...model, [id]: created }]),
    }
  })
}

function updateEffects(apply: Observed, items: readonly ItemResult[]): UnlabelledEffect[] {
  return doneEvents(apply, 'update').map(event => {
    const id = String(event.data_source_id)
    const candidates = items.filter(item => isUncertain(item) || (item.action === 'updated' && item.id === id))
    const names = (apply.result ? candidates : itemsOf(apply)).map(({ name }) => name)
    return {
      ...spanOf(apply, { isOpenEnded: items.some(isUncertain) }),
      apply: (model: Model) => names.flatMap(name => withHost(model, id, hostFor(apply, name))),
    }
  })
}

/** An update with an unknown outcome may have happened at any time, or never. */
function unknownEffects(apply: Observed): UnlabelledEffect[] {
  const unknown = apply.intents.filter(({ outcome, kind }) => outcome === 'unknown' && kind === 'update')
  return unknown.map(({ data_source_id: id }) => ({
    ...spanOf(apply, { isOpenEnded: true }),
    apply: (model: Model) => [
      model,
      ...itemsOf(apply).flatMap(({ name }) => withHost(model, id, hostFor(apply, name))),
    ],
  }))
}

/** What must have been true at some moment for an item without a change to have its result. */
function conditionsOfItem(apply: Observed, item: ItemResult, { alone }: { alone: boolean }): UnlabelledEffect[] {
  const { name, action, id, error } = item
  const span = spanOf(apply, { isOpenEnded: false })
  const when = (holds: (model: Model) => boolean) => [
    { ...span, apply: (model: Model) => (holds(model) ? [model] : []) },
  ]
  if (action === 'unchanged') {
    // Apply compares the source that it found by name earlier, so only its id counts here.
    return when(model => {
      const source = model[String(id)]
      return source?.live === true && source.host === hostFor(apply, name)
    })
  }
  if (error?.exit_code === 5 && !isUncertain(item)) {
    return when(model => Object.values(model).some(({ live }) => !live))
  }
  return error?.exit_code === 6 && alone ? when(() => false) : []
}

function spanOf({ began, ended }: Observed, { isOpenEnded }: { isOpenEnded: boolean }): { from: number; to: number } {
  return { from: began, to: isOpenEnded ? Number.POSITIVE_INFINITY : (ended ?? Number.POSITIVE_INFINITY) }
}

function itemsOf({ command }: Observed): readonly Item[] {
  return command.kind === 'apply' ? command.items : []
}

/** The host in the request with this name. */
function hostFor(apply: Observed, name: string): string | undefined {
  const item = itemsOf(apply).find(each => each.name === name)
  return item && hostOf(apply.host, item)
}

function isNameTaken(model: Model, name: string): boolean {
  return Object.values(model).some(source => source.live && source.name === name)
}

function withHost(model: Model, id: string, host: string | undefined): Model[] {
  const found = model[id]
  return found?.live ? [{ ...model, [id]: { ...found, host } }] : []
}
