import { wrongWith } from '../support/invariants.ts'
import type { Everything, Row } from '../support/stored.ts'
import { liesOfApply } from './batch.ts'
import { isExplained } from './explain.ts'
import type { Outside, Played, Ran } from './play.ts'

/** What the user of a command was told. */
export type Told = 'done' | 'failed' | 'not found' | 'unknown' | 'nothing'

/** A command with all that is known of it. */
export interface Known extends Ran {
  readonly said: Told
  /** The events of the audit trail that are its own. */
  readonly events: readonly Row[]
  /** Its intents, where it got so far: of an apply there are several. */
  readonly intents: readonly Row[]
  readonly intent: Row | undefined
}

/** Everything that is wrong with how a history came out, a sentence each. */
export function wrongAfter(played: Played, stored: Everything): string[] {
  const known = played.ran.map(one => knownOf(one, stored))
  const wrong = [
    ...wrongWith(stored),
    ...played.doctors.flatMap(told => (told?.code === 0 ? [] : [`doctor says: ${told?.stdout}${told?.stderr}`])),
    ...known.flatMap(one => lies(one, played, stored)),
    ...Object.values(played.present).flatMap(id => lostOutside(id, played.outside, stored)),
  ]
  if (wrong.length || isExplained(played, known, stored)) return wrong
  return ['no order of what happened explains what was told and what is stored']
}

function knownOf(one: Ran, { events, intents }: Everything): Known {
  const own = (row: Row) => String(row.client).startsWith(`dsctl ${one.label} `)
  const all = intents.filter(own)
  return { ...one, said: saidTo(one), events: events.filter(own), intents: all, intent: all[0] }
}

function saidTo({ told }: Ran): Told {
  if (!told) return 'nothing'
  if (told.code === 0) return 'done'
  const { message, outcome } = errorOf(told.stderr)
  if (outcome === 'unknown') return 'unknown'
  if (outcome === 'owed' || /^It was done/.test(message)) return 'done'
  return told.code === 5 ? 'not found' : 'failed'
}

/** The error that was told. */
export function errorOf(stderr: string): { message: string; outcome?: string } {
  return JSON.parse(stderr.slice(stderr.indexOf('{'))).error
}

/** Whether it has changed what it was to change. */
export function hasHappened({ events }: Known): boolean {
  return events.some(({ outcome }) => outcome === 'done')
}

function lies(one: Known, { outside }: Played, { events }: Everything): string[] {
  const { label, command, said, told, intent } = one
  const happened = hasHappened(one)
  const text = `${label} was told ${told?.code} ${told?.stderr}`
  if (command.kind === 'apply') return liesOfApply(one, outside)
  if (command.kind === 'doctor') return told && ![0, 6, 7, 8].includes(told.code) ? [text] : []
  const done = one.events.filter(({ outcome }) => outcome === 'done').length
  return [
    ...(told && ![0, 5, 6, 7].includes(told.code) ? [`${text}, which nobody should be`] : []),
    ...(done > 1 ? [`the audit trail tells ${label} ${done} times`] : []),
    ...((said === 'failed' || said === 'not found') && happened ? [`${text}, but it has happened`] : []),
    ...(said === 'done' && !happened && !isNothing(one, events) ? [`${text}, but it has not happened`] : []),
    ...(intent?.outcome === 'unknown' && !hasOutsider(outside, intent.data_source_id)
      ? [`${label} is unknown, and nobody else wrote`]
      : []),
  ]
}

/** Whether someone else has written this secret while an operation on it was unfinished. */
export function hasOutsider(outside: readonly Outside[], id: string): boolean {
  return outside.some(write => write.id === id && write.during)
}

/** Done without a change of its own: a delete that pays what another owes, an update to what is so already. */
function isNothing({ command, events }: Known, all: readonly Row[]): boolean {
  if (command.kind === 'update') return command.fields.length === 0 && events.length === 0
  return command.kind === 'delete' && all.some(({ action, outcome }) => action === 'delete' && outcome === 'done')
}

/** Someone else's write stays, unless it came during an operation, with which it may be undone. */
function lostOutside(id: string, outside: readonly Outside[], { records, secrets }: Everything): string[] {
  const record = records.find(row => row.id === id)
  if (!record || record.deleted_at !== null) return []
  const writes = outside.filter(write => write.id === id)
  const sure = writes.findLastIndex(({ during }) => !during)
  const may = writes.slice(Math.max(sure, 0)).map(({ value }) => value as unknown)
  const found = secrets[`data-sources/${record.secret_id}`]?.data.default_schema
  if (may.includes(found) || (sure < 0 && found === undefined)) return []
  return [`someone outside wrote ${may.join(' or ')}, and ${found} is stored`]
}
