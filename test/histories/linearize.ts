import type { Everything } from '../support/stored.ts'
import { INITIAL, idOf } from './command-line.ts'
import type { HistoryRun } from './history-run.ts'
import { hasHappened, type Observed } from './verify.ts'
import { effectsOfApply, mayChangeLater } from './verify-apply.ts'

/** The data sources by id. */
export type Model = Readonly<Record<string, Source>>

interface Source {
  readonly name: string
  readonly live: boolean
  readonly host: unknown
  readonly port: unknown
}

/** A change or a condition that held at one moment between `from` and `to`. */
export interface Effect {
  readonly label: string
  readonly from: number
  readonly to: number
  /** The states that may follow; none if the effect cannot happen in this state. */
  readonly apply: (model: Model) => Model[]
}

/**
 * Whether some order of the commands explains every reported result and ends with what is stored. In that order a
 * command happens after it began and, if its result is known, before it ended.
 */
export function isLinearizable(run: HistoryRun, observed: readonly Observed[], stored: Everything): boolean {
  const effects = observed.flatMap(each => effectsOf(each, observed, run))
  const start = Object.entries(run.present).map(([name, id]) => [id, { ...INITIAL, name, live: true }] as const)
  return search(effects, Object.fromEntries(start), serialize(modelOf(stored)))
}

function search(effects: readonly Effect[], start: Model, end: string): boolean {
  const seen = new Set<string>()
  const searchFrom = (left: readonly Effect[], model: Model): boolean => {
    if (left.length === 0) return serialize(model) === end
    const key = `${left.map(({ label }) => label).join()} ${serialize(model)}`
    if (seen.has(key)) return false
    seen.add(key)
    // An effect that began after another must have ended can't come first.
    const deadline = Math.min(...left.map(({ to }) => to))
    const candidates = left.filter(({ from }) => from <= deadline)
    return candidates.some(effect => {
      const rest = left.filter(other => other !== effect)
      return effect.apply(model).some(next => searchFrom(rest, next))
    })
  }
  return searchFrom(effects, start)
}

function modelOf({ records, secrets }: Everything): Model {
  return Object.fromEntries(
    records.map(({ id, name, secret_id, deleted_at }) => {
      const { host, port } = secrets[`data-sources/${secret_id}`]?.data ?? {}
      return [id, { name, live: deleted_at === null, host, port }]
    }),
  )
}

/** For comparison. Only the name of a deleted source counts. */
function serialize(model: Model): string {
  const sources = Object.entries(model).map(([id, { name, live, host, port }]) => [id, name, live && [host, port]])
  return JSON.stringify(sources.sort())
}

function effectsOf(one: Observed, all: readonly Observed[], run: HistoryRun): Effect[] {
  const { label, command, reported, began, ended, intent } = one
  const isKnown = reported === 'done' || reported === 'not found' || reported === 'failed'
  const span = { label, from: began, to: isKnown ? (ended ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY }
  const when = (holds: (model: Model) => boolean) => [
    { ...span, apply: (model: Model) => (holds(model) ? [model] : []) },
  ]
  if (command.kind === 'doctor') return []
  if (command.kind === 'apply') return effectsOfApply(one, { alone: !hasConcurrent(one, all, run) })
  if (hasHappened(one)) return [{ ...span, apply: model => applyCommand(one, run, model) }]
  const mayHaveHappened = intent?.outcome === 'unknown' && command.kind === 'update' && command.fields.length > 0
  if (mayHaveHappened) {
    return [{ ...span, to: Number.POSITIVE_INFINITY, apply: model => [model, ...withCredentials(one, model)] }]
  }
  if (reported === 'done') return when(model => changesNothing(one, run, model))
  if (reported === 'not found') return when(model => !targetOf(one, run, model))
  if (reported !== 'failed' || one.result?.code !== 6 || hasConcurrent(one, all, run)) return []
  return when(model => isTaken(one, run, model))
}

function applyCommand(one: Observed, run: HistoryRun, model: Model): Model[] {
  const { command, host, port, events } = one
  const id = String(events.find(({ outcome }) => outcome === 'done')?.data_source_id)
  if (command.kind === 'doctor' || command.kind === 'apply') return []
  if (command.kind === 'create')
    return isTaken(one, run, model) ? [] : [{ ...model, [id]: { name: command.name, live: true, host, port } }]
  const found = model[id]
  if (!found || targetOf(one, run, model) !== id) return []
  if (command.kind === 'delete') return [{ ...model, [id]: { ...found, live: false } }]
  if (isTaken(one, run, model)) return []
  const [changed = model] = withCredentials(one, model)
  const source = { ...found, ...changed[id], name: command.name ?? found.name }
  return matchesResult(one, source) ? [{ ...model, [id]: source }] : []
}

/** The model with the update's new credentials, under the old name. */
function withCredentials({ command, host, port, intent }: Observed, model: Model): Model[] {
  const id = String(intent?.data_source_id)
  const found = model[id]
  if (command.kind !== 'update' || !found?.live) return []
  const has = (field: 'host' | 'port') => command.fields.includes(field)
  return [{ ...model, [id]: { ...found, ...(has('host') && { host }), ...(has('port') && { port }) } }]
}

/** Whether the credentials that an update printed are the source's: those of earlier commands with its own changes. */
function matchesResult({ command, result }: Observed, source: Source): boolean {
  if (result?.code !== 0 || command.kind !== 'update' || command.fields.length === 0) return true
  const { host, port } = JSON.parse(result.stdout).credentials
  return host === source.host && port === source.port
}

/** The id of the live source that the command refers to. */
function targetOf({ command }: Observed, { present }: HistoryRun, model: Model): string | undefined {
  if (command.kind !== 'update' && command.kind !== 'delete') return undefined
  const id = idOf(command.ref, present)
  const found = Object.entries(model).find(([key, { name, live }]) => live && (id ? key === id : name === command.ref))
  return found?.[0]
}

/** Whether another live source has the command's new name. */
function isTaken(one: Observed, run: HistoryRun, model: Model): boolean {
  const { command } = one
  if (command.kind !== 'create' && command.kind !== 'update') return false
  const own = command.kind === 'update' ? targetOf(one, run, model) : undefined
  return Object.entries(model).some(([id, { name, live }]) => live && id !== own && name === command.name)
}

/** Whether the command succeeds without a change: the source has the new name already, or is deleted already. */
function changesNothing(one: Observed, run: HistoryRun, model: Model): boolean {
  const found = targetOf(one, run, model)
  if (one.command.kind === 'update') return found !== undefined && model[found]?.name === one.command.name
  return found === undefined
}

/** Whether something else ran at the same time. That alone explains a conflict. */
function hasConcurrent(one: Observed, all: readonly Observed[], { outsideWrites, settledAt }: HistoryRun): boolean {
  const last = (other: Observed) =>
    (other.result && other.result.code !== 7 && !mayChangeLater(other) ? other.ended : undefined) ??
    Number.POSITIVE_INFINITY
  const overlaps = (from: number, to: number) => from <= last(one) && to >= one.began
  return (
    all.some(other => other !== one && overlaps(other.began, last(other))) ||
    [...outsideWrites.map(({ at }) => at), ...settledAt].some(at => overlaps(at, at))
  )
}
