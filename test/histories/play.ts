import type { Site } from '../support/site.ts'
import { expireLeases, openIntentsIn } from '../support/stored.ts'
import type { Ended, Worker, Workers } from '../support/workers.ts'
import type { Command, Event, History, Item, Name, Ref } from './history.ts'
import { type Held, type Lane, lane } from './lane.ts'

/** What --timeout the commands have, in seconds: by a clock of their own, so nobody waits for it. */
export const TIMEOUT = 40

/** What became of one command. Moments are counted, from 0. */
export interface Ran {
  readonly label: string
  readonly command: Command
  readonly host: string
  readonly port: number
  readonly began: number
  /** Undefined where it was killed. */
  ended: number | undefined
  told: Ended | undefined
}

/** Someone has written a secret without dsctl. */
export interface Outside {
  readonly id: string
  /** Of `default_schema`, which nobody else writes. */
  readonly value: string
  readonly at: number
  /** Whether an operation on that source was unfinished: then this may be undone with it. */
  readonly during: boolean
}

export interface Played {
  /** The ids of the sources that were there. */
  readonly present: Readonly<Partial<Record<Name, string>>>
  readonly ran: readonly Ran[]
  readonly outside: readonly Outside[]
  /** When a doctor has settled what was unfinished, whoever was still at it. */
  readonly settled: readonly number[]
  /** What happened, line by line. */
  readonly trace: readonly string[]
  /** What each doctor said that ran with nothing in its way. The last of them has settled all. */
  readonly doctors: readonly (Ended | undefined)[]
}

/** What a source is that nobody has changed. */
export const BEGINNING = { host: 'h0', port: 5432 }

export interface Processes {
  readonly workers: Workers
  readonly doctor: Worker
}

interface Stage {
  readonly site: Site
  readonly history: History
  readonly lanes: readonly Lane[]
  /** A process that reaches both servers with nothing in between. */
  readonly doctor: Worker
  readonly doctors: (Ended | undefined)[]
  readonly present: Readonly<Partial<Record<Name, string>>>
  readonly ran: Ran[]
  readonly outside: Outside[]
  readonly settled: number[]
  readonly trace: string[]
  /** Of each lane, how many of its commands have begun. */
  readonly begun: number[]
  /** Resolves when every command is held, waits, or has ended. */
  quiet(): Promise<void>
  moment: number
}

/** Plays a history on the real servers, settles what is left, and tells what happened. */
export async function play(site: Site, history: History, processes: Processes): Promise<Played> {
  const stage = await setUp(site, history, processes)
  try {
    for (const event of history.events) await happen(stage, event)
    await finish(stage)
    await settle(stage)
    const { present, ran, outside, settled, trace, doctors } = stage
    return { present, ran, outside, settled, trace, doctors }
  } catch (error) {
    throw new Error(`${error}\n${stage.trace.join('\n')}`, { cause: error })
  } finally {
    for (const each of stage.lanes) each.close()
  }
}

async function setUp(site: Site, history: History, { workers, doctor }: Processes): Promise<Stage> {
  let wake = () => {}
  const lanes = await Promise.all(history.programs.map(() => lane(site, workers, () => wake())))
  const isQuiet = () => lanes.every(each => !each.command || each.deaf || each.held.some(({ late }) => !late))
  const change = () =>
    new Promise<void>(resolve => {
      wake = resolve
    })
  const quiet = async () => {
    while (!isQuiet()) await within(20_000, change(), 'A command neither sends anything nor ends.')
    for (let more = lanes.some(({ stirred }) => stirred); more; ) more = await soon(change())
    for (const each of lanes) each.stirred = false
  }
  const secret = { type: 'postgres', ...BEGINNING, username: 'u', password: 'secret', default_database: 'd' }
  const made = history.present.map(async name => {
    const id = await site.addDataSource({ name })
    await site.vault.writeSecret(`data-sources/${id}`, secret)
    return [name, id] as const
  })
  const present = Object.fromEntries(await Promise.all(made))
  const begun = lanes.map(() => 0)
  const empty = { ran: [], outside: [], settled: [], trace: [], doctors: [] }
  return { site, history, lanes, doctor, present, begun, quiet, ...empty, moment: 0 }
}

/** Whether it happens in the time in which a process says all that it has to say. */
async function soon(change: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<false>(resolve => {
    timer = setTimeout(resolve, 5, false)
  })
  return Promise.race([change.then(() => true), silence]).finally(() => clearTimeout(timer))
}

async function within<T>(ms: number, work: Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** One thing that can happen next. */
interface Possible {
  readonly lane: Lane
  /** Undefined where a command begins, or has waited long enough. */
  readonly held?: Held
  happen(): Promise<unknown>
}

function possible(stage: Stage): Possible[] {
  const { lanes, begun, history } = stage
  const idle = (n: number) => !lanes[n]?.command && (begun[n] ?? 0) < (history.programs[n]?.length ?? 0)
  return [
    ...lanes.flatMap((lane, n) => (idle(n) ? [{ lane, happen: () => begin(stage, n) }] : [])),
    ...lanes.flatMap(lane => lane.held.map(held => ({ lane, held, happen: () => pass(stage, held) }))),
    ...lanes.flatMap(lane => (lane.deaf ? [{ lane, happen: () => expire(stage, lane) }] : [])),
  ]
}

async function happen(stage: Stage, event: Event): Promise<void> {
  if (event.do === 'run') return runAlone(stage, event)
  await stage.quiet()
  stage.moment++
  const all = possible(stage)
  if (all.length === 0) return
  if (event.do === 'lapse') return lapse(stage)
  if (event.do === 'settle') return fix(stage)
  if (event.do === 'outside') return writeOutside(stage, event.pick)
  const messages = all.filter(each => each.held)
  const late = messages.filter(each => each.held?.late)
  if (event.do === 'all') return void (await Promise.all(messages.map(each => each.happen())))
  const wanted = { fault: messages, late, step: all }[event.do]
  const among = wanted.length ? wanted : all
  const chosen = among[event.pick % among.length]
  if (!chosen) return
  if (event.do === 'fault' && chosen.held) await fail(stage, chosen.lane, chosen.held, event.fault)
  else await chosen.happen()
}

async function runAlone(stage: Stage, { pick, steps }: Event & { do: 'run' }): Promise<void> {
  const lane = stage.lanes[pick % stage.lanes.length]
  for (let step = 0; step < steps; step++) {
    await stage.quiet()
    stage.moment++
    const next = possible(stage).find(each => each.lane === lane && !each.held?.late)
    if (!next) return
    await next.happen()
  }
}

/** Everybody comes to an end, with nothing more going wrong. */
async function finish(stage: Stage): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    await stage.quiet()
    stage.moment++
    const all = possible(stage).filter(({ held }) => !held?.late)
    const going = all.filter(({ lane, held }) => held || !lane.deaf)
    const among = going.length ? going : all
    const chosen = among[turn % among.length]
    if (!chosen) return
    await chosen.happen()
  }
  throw new Error('The commands do not come to an end.')
}

/** What was still on its way arrives, before or after doctor has settled all, or never. */
async function settle(stage: Stage): Promise<void> {
  const left = stage.lanes.flatMap(({ held }) => held)
  const arriving = (when: string) => left.filter((_, n) => (stage.history.late[n] ?? 'never') === when)
  for (const held of arriving('never')) lose(stage, held)
  for (const held of arriving('before doctor')) await pass(stage, held)
  await fix(stage)
  for (const held of arriving('after doctor')) await pass(stage, held)
  if (arriving('after doctor').length) await fix(stage)
}

async function fix(stage: Stage): Promise<void> {
  await lapse(stage)
  stage.trace.push('doctor --fix')
  stage.settled.push(stage.moment)
  const args = ['doctor', '--fix', '--deep', '-o', 'json']
  const work = stage.doctor.run({ args, env: stage.site.env, version: 'doctor' })
  stage.doctors.push(await within(20_000, work, 'doctor does not end.'))
}

async function begin(stage: Stage, n: number): Promise<void> {
  const { lanes, begun, history, present, ran, trace } = stage
  const index = begun[n] ?? 0
  begun[n] = index + 1
  const command = history.programs[n]?.[index]
  const label = `c${n + 1}${index + 1}`
  if (!command) return
  const port = 1000 + 10 * n + index
  const one: Ran = { label, command, host: `h-${label}`, port, began: stage.moment, ended: undefined, told: undefined }
  ran.push(one)
  const args = [...argsOf(one, present), '--timeout', String(TIMEOUT), '-o', 'json']
  const stdin = command.kind === 'apply' ? JSON.stringify(requestsOf(one, command.items)) : undefined
  trace.push(`${label} begins: dsctl ${args.join(' ')}${stdin === undefined ? '' : ` <<< ${stdin}`}`)
  lanes[n]?.run(label, args, stdin).then(told => {
    one.told = told
    if (told) one.ended = stage.moment
    trace.push(
      `${label} ${told ? `ends: ${told.code} ${told.stderr || told.stdout}`.replaceAll(/\s+/g, ' ') : 'is gone'}`,
    )
  })
}

function argsOf({ command, host, port }: Ran, present: Stage['present']): string[] {
  const fields = { host: ['--host', host], port: ['--port', String(port)] }
  const rest = ['--username', 'u', '--password', 'env:PASSWORD', '--default-database', 'd']
  if (command.kind === 'doctor') return ['doctor', '--fix']
  if (command.kind === 'apply') return ['apply', '-f', '-']
  if (command.kind === 'create')
    return ['create', command.name, '--env', 'dev', '--type', 'postgres', ...fields.host, ...fields.port, ...rest]
  const ref = idOf(command.ref, present) ?? command.ref
  if (command.kind === 'delete') return ['delete', ref, '--yes']
  const name = command.name ? ['--set-name', command.name] : []
  return ['update', ref, ...command.fields.flatMap(field => fields[field]), ...name]
}

function requestsOf({ host }: Ran, items: readonly Item[]) {
  const rest = { env: 'dev', type: 'postgres', username: 'u', password: 'secret', default_database: 'd' }
  return items.map(item => ({ name: item.name, host: hostOf(host, item), ...rest }))
}

/** What an item of an apply asks for, whose own host begins with this. */
export function hostOf(host: string, item: Item): string {
  return item.host === 'first' ? BEGINNING.host : `${host}-${item.name}`
}

/** Of a REF that is an id; where no such source was there from the beginning, one that nobody has. */
export function idOf(ref: Ref, present: Stage['present']): string | undefined {
  if (!ref.startsWith('#')) return undefined
  return present[ref.slice(1) as Name] ?? '00000000-0000-4000-8000-000000000000'
}

async function pass(stage: Stage, held: Held): Promise<void> {
  stage.trace.push(`${held.title}${held.late ? ', late' : ''}`)
  await within(20_000, held.pass(), `There is no answer to ${held.title}.`)
}

function lose(stage: Stage, held: Held): void {
  stage.trace.push(`${held.title} never arrives`)
  held.lose('cut')
}

async function expire(stage: Stage, lane: Lane): Promise<void> {
  stage.trace.push(`${lane.command} has waited long enough`)
  lane.expire()
}

async function fail(stage: Stage, lane: Lane, held: Held, fault: (Event & { do: 'fault' })['fault']): Promise<void> {
  if (held.late) return lose(stage, held)
  stage.trace.push(`${held.title}: ${fault}`)
  if (fault === 'kill before') return lane.kill()
  if (fault === 'kill after') return held.pass('cut', () => lane.kill())
  if (fault === 'overtake') return lane.expire()
  if (fault === 'hang up') return held.hangUp()
  const how = fault.startsWith('cut') ? 'cut' : 'swallow'
  if (how === 'swallow') lane.deaf = true
  return fault.endsWith('before') ? held.lose(how) : held.pass(how)
}

async function lapse({ site, trace }: Stage): Promise<void> {
  trace.push('all leases end')
  await expireLeases(site)
}

async function writeOutside({ site, outside, trace, moment }: Stage, pick: number): Promise<void> {
  const rows = await site.database.query(
    'SELECT id, secret_id FROM data_sources WHERE deleted_at IS NULL ORDER BY name',
  )
  const row = rows[pick % rows.length]
  const path = `data-sources/${row?.secret_id}`
  const secret = row && (await site.vault.readSecret(path))
  if (!secret) return
  const value = `outside${outside.length + 1}`
  const during = (await openIntentsIn(site)).some(intent => intent.data_source_id === row.id)
  trace.push(`someone outside writes ${value}${during ? ', meanwhile' : ''}`)
  await site.vault.writeSecret(path, { ...secret.data, default_schema: value })
  outside.push({ id: row.id, value, at: moment, during })
}
