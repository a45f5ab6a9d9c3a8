import { violationsOf } from '../support/invariants.ts'
import type { Everything, Row } from '../support/stored.ts'
import type { CommandRun, HistoryRun, OutsideWrite } from './history-run.ts'
import { isLinearizable } from './linearize.ts'
import { falseReportsOfApply } from './verify-apply.ts'

/** What a command reported to its user. `nothing`: it was killed. */
export type Reported = 'done' | 'failed' | 'not found' | 'unknown' | 'nothing'

/** A command's run, with what it left in the stores. */
export interface Observed extends CommandRun {
  readonly reported: Reported
  /** The audit events that it wrote. */
  readonly events: readonly Row[]
  /** The intents that it opened; an apply may open several. */
  readonly intents: readonly Row[]
  /** The first of them. */
  readonly intent: Row | undefined
}

/** Every problem in the results of a history, one sentence each. */
export function problemsIn(run: HistoryRun, stored: Everything): string[] {
  const observed = run.runs.map(each => observe(each, stored))
  const problems = [
    ...violationsOf(stored),
    ...run.doctors.flatMap(result => (result?.code === 0 ? [] : [`doctor failed: ${result?.stdout}${result?.stderr}`])),
    ...observed.flatMap(each => falseReports(each, run, stored)),
    ...Object.values(run.present).flatMap(id => lostOutsideWrites(id, run.outsideWrites, stored)),
  ]
  if (problems.length || isLinearizable(run, observed, stored)) return problems
  return ['no order of the operations explains the reported results and what is stored']
}

function observe(run: CommandRun, { events, intents }: Everything): Observed {
  const isOwn = (row: Row) => String(row.client).startsWith(`dsctl ${run.label} `)
  const all = intents.filter(isOwn)
  return { ...run, reported: reportedBy(run), events: events.filter(isOwn), intents: all, intent: all[0] }
}

function reportedBy({ result }: CommandRun): Reported {
  if (!result) return 'nothing'
  if (result.code === 0) return 'done'
  const { message, outcome } = errorOf(result.stderr)
  if (outcome === 'unknown') return 'unknown'
  if (outcome === 'owed' || /^It was done/.test(message)) return 'done'
  return result.code === 5 ? 'not found' : 'failed'
}

/** The error that a command printed as JSON. */
export function errorOf(stderr: string): { message: string; outcome?: string } {
  return JSON.parse(stderr.slice(stderr.indexOf('{'))).error
}

/** Whether the command made its change. */
export function hasHappened({ events }: Observed): boolean {
  return events.some(({ outcome }) => outcome === 'done')
}

function falseReports(command: Observed, { outsideWrites }: HistoryRun, { events }: Everything): string[] {
  const { label, reported, result, intent } = command
  const { kind } = command.command
  const happened = hasHappened(command)
  const text = `${label} ended with ${result?.code} ${result?.stderr}`
  if (kind === 'apply') return falseReportsOfApply(command, outsideWrites)
  if (kind === 'doctor') return result && ![0, 6, 7, 8].includes(result.code) ? [text] : []
  const done = command.events.filter(({ outcome }) => outcome === 'done').length
  return [
    ...(result && ![0, 5, 6, 7].includes(result.code) ? [`${text}, which is not expected`] : []),
    ...(done > 1 ? [`the audit trail has ${label} ${done} times`] : []),
    ...((reported === 'failed' || reported === 'not found') && happened ? [`${text}, but it happened`] : []),
    ...(reported === 'done' && !happened && !needsNoChange(command, events) ? [`${text}, but it did not happen`] : []),
    ...(intent?.outcome === 'unknown' && !wasWrittenOutside(outsideWrites, intent.data_source_id)
      ? [`the outcome of ${label} is unknown, without a write outside dsctl`]
      : []),
  ]
}

/** Whether the secret was written outside dsctl during an operation on it. */
export function wasWrittenOutside(writes: readonly OutsideWrite[], id: string): boolean {
  return writes.some(write => write.id === id && write.during)
}

/** Whether a command may report success without a change: a delete finishes another one, an update changes nothing. */
function needsNoChange({ command, events }: Observed, all: readonly Row[]): boolean {
  if (command.kind === 'update') return command.fields.length === 0 && events.length === 0
  return command.kind === 'delete' && all.some(({ action, outcome }) => action === 'delete' && outcome === 'done')
}

/** A write outside dsctl must not be lost, unless it happened during an operation: rolling that back may undo it. */
function lostOutsideWrites(id: string, outside: readonly OutsideWrite[], { records, secrets }: Everything): string[] {
  const record = records.find(row => row.id === id)
  if (!record || record.deleted_at !== null) return []
  const writes = outside.filter(write => write.id === id)
  const lastSafe = writes.findLastIndex(({ during }) => !during)
  const allowed = writes.slice(Math.max(lastSafe, 0)).map(({ value }) => value as unknown)
  const found = secrets[`data-sources/${record.secret_id}`]?.data.default_schema
  if (allowed.includes(found) || (lastSafe < 0 && found === undefined)) return []
  return [`outside dsctl, ${allowed.join(' or ')} was written, but ${found} is stored`]
}
