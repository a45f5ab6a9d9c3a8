import type { Row } from '../support/stored.ts'
import type { Act, Model } from './explain.ts'
import type { Item } from './history.ts'
import { errorOf, hasOutsider, type Known } from './judge.ts'
import { BEGINNING, hostOf, type Outside } from './play.ts'

// An apply is as many creates and updates as it has items, each judged by what it was told. What it has changed the audit
// trail tells of the apply as a whole; which item it was of is known by the name of a create, and by the id of an update.

/** What an apply tells of one item. */
interface Told {
  readonly name: string
  readonly action: 'created' | 'updated' | 'unchanged' | 'failed'
  readonly id: string | null
  readonly error: { readonly exit_code: number; readonly outcome?: string; readonly message: string } | null
}

/** Of each item, where it came so far as to tell. */
function toldOf({ command, told }: Known): readonly Told[] {
  return command.kind === 'apply' && told && [0, 8].includes(told.code) ? JSON.parse(told.stdout) : []
}

const done = ({ events }: Known, action: 'create' | 'update') =>
  events.filter(event => event.outcome === 'done' && event.action === action)

/** Whether it may have happened or not: it was told so, or that it has happened and is gone already. */
const isOpen = ({ error }: Told) =>
  error !== null && (error.outcome === 'unknown' || /^It was done/.test(error.message))

/** Whether something of it may take effect after it has ended. */
export function leavesMore(one: Known): boolean {
  return toldOf(one).some(({ error }) => error?.exit_code === 7)
}

/** Everything untrue that it was told, a sentence each. */
export function liesOfApply(one: Known, outside: readonly Outside[]): string[] {
  const { label, told, intents } = one
  const items = toldOf(one)
  const text = `${label} was told ${told?.code} ${told?.stdout}${told?.stderr}`
  const failedWhole = told?.code === 7 && errorOf(told.stderr).outcome === 'none'
  return [
    ...(told && !failedWhole && ![0, 8].includes(told.code) ? [`${text}, which nobody should be`] : []),
    ...(failedWhole && done(one, 'create').length + done(one, 'update').length ? [`${text}, but it has begun`] : []),
    ...(told?.code === 0 && items.some(({ action }) => action === 'failed') ? [`${text}, but an item has failed`] : []),
    ...items.flatMap(item => liesOfItem(one, item).map(lie => `${text}, but ${item.name} ${lie}`)),
    ...[...untold(one, items)].map(lie => `${text}, but ${lie}`),
    ...intents
      .filter(({ outcome, data_source_id }) => outcome === 'unknown' && !hasOutsider(outside, data_source_id))
      .map(({ data_source_id }) => `what ${label} did to ${data_source_id} is unknown, and nobody else wrote`),
  ]
}

function liesOfItem(one: Known, { name, action, id, error }: Told): string[] {
  const own = (event: Row) => event.data_source_id === id
  const made = done(one, 'create').filter(event => event.after.name === name)
  if (action === 'created' && !(made.length === 1 && made.every(own))) return ['was not created so']
  if (action === 'updated' && !done(one, 'update').some(own)) return ['was not updated']
  if (action === 'failed' && ![5, 6, 7].includes(error?.exit_code ?? 0)) return ['has failed as nothing should']
  return []
}

/** What has happened more often than it was told. */
function untold(one: Known, items: readonly Told[]): Set<string> {
  const batch = one.command.kind === 'apply' ? one.command.items : []
  // Of what was told nothing, each item may have happened once.
  const open = one.told ? items.filter(isOpen).map(({ name }) => name) : batch.map(({ name }) => name)
  const created = items.filter(({ action }) => action === 'created').map(({ name }) => name)
  const makes = done(one, 'create').map(event => String(event.after.name))
  const changes = done(one, 'update').map(event => String(event.data_source_id))
  const known = (id: string) => items.filter(item => item.action === 'updated' && item.id === id).length
  const count = <T>(all: readonly T[], wanted: T) => all.filter(each => each === wanted).length
  const beyond = [...new Set(changes)].reduce((sum, id) => sum + Math.max(0, count(changes, id) - known(id)), 0)
  return new Set([
    ...makes.filter(name => count(makes, name) > count([...open, ...created], name)).map(name => `made ${name}`),
    ...(beyond > open.length ? [`changed more: ${changes}`] : []),
  ])
}

/** What must have been so for all of it to come out as it did. */
export function actsOfApply(one: Known, { alone }: { alone: boolean }): Act[] {
  const { command, host, label, began, intents } = one
  if (command.kind !== 'apply') return []
  const items = toldOf(one)
  const forEver = { from: began, to: Number.POSITIVE_INFINITY }
  const told = { from: began, to: one.ended ?? Number.POSITIVE_INFINITY }
  const hostOfName = (name: string) => hosts(host, command.items)[name]
  const span = (event: Row) =>
    items.some(item => isOpen(item) && (event.action === 'update' || item.name === event.after.name)) ? forEver : told
  const makes = done(one, 'create').map(event => {
    const id = String(event.data_source_id)
    const name = String(event.after.name)
    const made = { ...BEGINNING, name, live: true, host: hostOfName(name) }
    return { ...span(event), act: (model: Model) => (holds(model, name) ? [] : [{ ...model, [id]: made }]) }
  })
  const changes = done(one, 'update').map(event => {
    const id = String(event.data_source_id)
    const mine = items.filter(item => isOpen(item) || (item.action === 'updated' && item.id === id))
    const names = (one.told ? mine : command.items).map(({ name }) => name)
    return { ...span(event), act: (model: Model) => names.flatMap(name => withHost(model, id, hostOfName(name))) }
  })
  const halves = intents
    .filter(({ outcome, kind }) => outcome === 'unknown' && kind === 'update')
    .map(({ data_source_id: id }) => ({
      ...forEver,
      act: (model: Model) => [model, ...command.items.flatMap(({ name }) => withHost(model, id, hostOfName(name)))],
    }))
  const left = items.flatMap(({ name, action, id, error }) => {
    // It is by its id that a source is looked at; by its name it was found before.
    const isSo = (source: Model[string] | undefined) => source?.live === true && source.host === hostOfName(name)
    if (action === 'unchanged') return [{ ...told, act: (model: Model) => (isSo(model[String(id)]) ? [model] : []) }]
    if (error?.exit_code === 5 && !isOpen({ name, action, id, error }))
      return [{ ...told, act: (model: Model) => (Object.values(model).some(({ live }) => !live) ? [model] : []) }]
    return error?.exit_code === 6 && alone ? [{ ...told, act: () => [] }] : []
  })
  return [...makes, ...changes, ...halves, ...left].map((act, n) => ({ ...act, label: `${label}.${n}` }))
}

function hosts(host: string, items: readonly Item[]): Readonly<Record<string, string>> {
  return Object.fromEntries(items.map(item => [item.name, hostOf(host, item)]))
}

function holds(model: Model, name: string): boolean {
  return Object.values(model).some(source => source.live && source.name === name)
}

function withHost(model: Model, id: string, host: string | undefined): Model[] {
  const found = model[id]
  return found?.live ? [{ ...model, [id]: { ...found, host } }] : []
}
