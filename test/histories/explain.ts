import type { Everything } from '../support/stored.ts'
import { actsOfApply, leavesMore } from './batch.ts'
import { hasHappened, type Known } from './judge.ts'
import { BEGINNING, idOf, type Played } from './play.ts'

interface Source {
  readonly name: string
  readonly live: boolean
  readonly host: unknown
  readonly port: unknown
}

export type Model = Readonly<Record<string, Source>>

/** Something that must have been so at one moment between `from` and `to`, with what it changed. */
export interface Act {
  readonly label: string
  readonly from: number
  readonly to: number
  /** What may be there afterwards; nothing where it cannot have happened then. */
  readonly act: (model: Model) => Model[]
}

/**
 * Whether there is an order of all that happened in which each command found what it needed and left what it was told,
 * and which ends with what is stored: none before it began, and, where it was told how it ended, none after that.
 */
export function isExplained(played: Played, known: readonly Known[], stored: Everything): boolean {
  const acts = known.flatMap(one => actsOf(one, known, played))
  const begin = Object.entries(played.present).map(([name, id]) => [id, { ...BEGINNING, name, live: true }] as const)
  return search(acts, Object.fromEntries(begin), text(modelOf(stored)))
}

function search(acts: readonly Act[], begin: Model, end: string): boolean {
  const seen = new Set<string>()
  const from = (left: readonly Act[], model: Model): boolean => {
    if (left.length === 0) return text(model) === end
    const key = `${left.map(({ label }) => label).join()} ${text(model)}`
    if (seen.has(key)) return false
    seen.add(key)
    const soon = Math.min(...left.map(({ to }) => to))
    return left
      .filter(act => act.from <= soon)
      .some(act =>
        act.act(model).some(next =>
          from(
            left.filter(other => other !== act),
            next,
          ),
        ),
      )
  }
  return from(acts, begin)
}

function modelOf({ records, secrets }: Everything): Model {
  return Object.fromEntries(
    records.map(({ id, name, secret_id, deleted_at }) => {
      const { host, port } = secrets[`data-sources/${secret_id}`]?.data ?? {}
      return [id, { name, live: deleted_at === null, host, port }]
    }),
  )
}

/** What is deleted has its name and nothing else. */
function text(model: Model): string {
  const sources = Object.entries(model).map(([id, { name, live, host, port }]) => [id, name, live && [host, port]])
  return JSON.stringify(sources.sort())
}

function actsOf(one: Known, all: readonly Known[], played: Played): Act[] {
  const { label, command, said, began, ended, intent } = one
  const sure = said === 'done' || said === 'not found' || said === 'failed'
  const span = { label, from: began, to: sure ? (ended ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY }
  if (command.kind === 'doctor') return []
  if (command.kind === 'apply') return actsOfApply(one, { alone: !meetsAnybody(one, all, played) })
  if (hasHappened(one)) return [{ ...span, act: model => happen(one, played, model) }]
  const half = intent?.outcome === 'unknown' && command.kind === 'update' && command.fields.length > 0
  if (half) return [{ ...span, to: Number.POSITIVE_INFINITY, act: model => [model, ...credentialsOf(one, model)] }]
  if (said === 'done') return [{ ...span, act: model => (changesNothing(one, played, model) ? [model] : []) }]
  if (said === 'not found') return [{ ...span, act: model => (target(one, played, model) ? [] : [model]) }]
  if (said !== 'failed' || one.told?.code !== 6 || meetsAnybody(one, all, played)) return []
  return [{ ...span, act: model => (isTaken(one, played, model) ? [model] : []) }]
}

function happen(one: Known, played: Played, model: Model): Model[] {
  const { command, host, port, events } = one
  const id = String(events.find(({ outcome }) => outcome === 'done')?.data_source_id)
  if (command.kind === 'doctor' || command.kind === 'apply') return []
  if (command.kind === 'create')
    return isTaken(one, played, model) ? [] : [{ ...model, [id]: { name: command.name, live: true, host, port } }]
  const found = model[id]
  if (!found || target(one, played, model) !== id) return []
  if (command.kind === 'delete') return [{ ...model, [id]: { ...found, live: false } }]
  if (isTaken(one, played, model)) return []
  const [changed = model] = credentialsOf(one, model)
  const source = { ...found, ...changed[id], name: command.name ?? found.name }
  return isAnswer(one, source) ? [{ ...model, [id]: source }] : []
}

/** The credentials of an update, without its name. */
function credentialsOf({ command, host, port, intent }: Known, model: Model): Model[] {
  const id = String(intent?.data_source_id)
  const found = model[id]
  if (command.kind !== 'update' || !found?.live) return []
  const has = (field: 'host' | 'port') => command.fields.includes(field)
  return [{ ...model, [id]: { ...found, ...(has('host') && { host }), ...(has('port') && { port }) } }]
}

/** An update of credentials prints what it has written, which must be what its predecessors left with its own. */
function isAnswer({ command, told }: Known, source: Source): boolean {
  if (told?.code !== 0 || command.kind !== 'update' || command.fields.length === 0) return true
  const { host, port } = JSON.parse(told.stdout).credentials
  return host === source.host && port === source.port
}

/** The id of the live source that the command names. */
function target({ command }: Known, { present }: Played, model: Model): string | undefined {
  if (command.kind !== 'update' && command.kind !== 'delete') return undefined
  const wanted = idOf(command.ref, present)
  const found = Object.entries(model).find(
    ([id, { name, live }]) => live && (wanted ? id === wanted : name === command.ref),
  )
  return found?.[0]
}

function isTaken(one: Known, played: Played, model: Model): boolean {
  const { command } = one
  if (command.kind !== 'create' && command.kind !== 'update') return false
  const own = command.kind === 'update' ? target(one, played, model) : undefined
  return Object.entries(model).some(([id, { name, live }]) => live && id !== own && name === command.name)
}

function changesNothing(one: Known, played: Played, model: Model): boolean {
  const found = target(one, played, model)
  if (one.command.kind === 'update') return found !== undefined && model[found]?.name === one.command.name
  return found === undefined
}

/** Whether somebody else was at work at the same time: then a conflict needs no other explanation. */
function meetsAnybody(one: Known, all: readonly Known[], { outside, settled }: Played): boolean {
  const last = (other: Known) =>
    (other.told && other.told.code !== 7 && !leavesMore(other) ? other.ended : undefined) ?? Number.POSITIVE_INFINITY
  const overlaps = (from: number, to: number) => from <= last(one) && to >= one.began
  return (
    all.some(other => other !== one && overlaps(other.began, last(other))) ||
    [...outside.map(({ at }) => at), ...settled].some(at => overlaps(at, at))
  )
}
