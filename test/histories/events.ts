import { expireLeases, openIntentsIn } from '../support/stored.ts'
import type { Client, HeldMessage } from './client.ts'
import { argsOf, stdinOf } from './command-line.ts'
import { type Context, withTimeout } from './context.ts'
import type { Event, Fault } from './history.ts'
import type { CommandRun } from './history-run.ts'

/** One thing that can happen next. */
export interface Choice {
  readonly client: Client
  /** The message to deliver; undefined if a command begins or times out. */
  readonly message?: HeldMessage
  perform(): Promise<unknown>
}

export function choicesIn(context: Context): Choice[] {
  const { clients, begun, history } = context
  const isIdle = (n: number) => !clients[n]?.command && (begun[n] ?? 0) < (history.programs[n]?.length ?? 0)
  return [
    ...clients.flatMap((client, n) => (isIdle(n) ? [{ client, perform: () => startCommand(context, n) }] : [])),
    ...clients.flatMap(client =>
      client.held.map(message => ({ client, message, perform: () => deliver(context, message) })),
    ),
    ...clients.flatMap(client => (client.hanging ? [{ client, perform: () => timeOut(context, client) }] : [])),
  ]
}

/** Performs an event of the history. If it cannot happen at this moment, something else that can happen does. */
export async function performEvent(context: Context, event: Event): Promise<void> {
  if (event.do === 'run') return runAlone(context, event)
  await context.quiet()
  context.moment++
  const all = choicesIn(context)
  if (all.length === 0) return
  if (event.do === 'expire leases') return expireAllLeases(context)
  if (event.do === 'settle') return settleAll(context)
  if (event.do === 'outside') return writeOutside(context, event.pick)
  const messages = all.filter(each => each.message)
  const late = messages.filter(each => each.message?.late)
  if (event.do === 'all') return void (await Promise.all(messages.map(each => each.perform())))
  const preferred = { fault: messages, late, step: all }[event.do]
  const among = preferred.length ? preferred : all
  const chosen = among[event.pick % among.length]
  if (!chosen) return
  if (event.do === 'fault') await injectFault(context, event.fault, chosen)
  else await chosen.perform()
}

async function runAlone(context: Context, { pick, steps }: Event & { do: 'run' }): Promise<void> {
  const client = context.clients[pick % context.clients.length]
  for (let step = 0; step < steps; step++) {
    await context.quiet()
    context.moment++
    const next = choicesIn(context).find(each => each.client === client && !each.message?.late)
    if (!next) return
    await next.perform()
  }
}

async function startCommand(context: Context, n: number): Promise<void> {
  const { clients, begun, history, present, runs, trace } = context
  const index = begun[n] ?? 0
  begun[n] = index + 1
  const command = history.programs[n]?.[index]
  if (!command) return
  const label = `c${n + 1}${index + 1}`
  const values = { host: `h-${label}`, port: 1000 + 10 * n + index }
  const run: CommandRun = { label, command, ...values, began: context.moment, ended: undefined, result: undefined }
  runs.push(run)
  const args = argsOf(run, present)
  const stdin = stdinOf(run)
  trace.push(`${label} begins: dsctl ${args.join(' ')}${stdin === undefined ? '' : ` <<< ${stdin}`}`)
  clients[n]?.run(label, args, stdin).then(result => {
    run.result = result
    if (result) run.ended = context.moment
    const end = result && `ends: ${result.code} ${result.stderr || result.stdout}`.replaceAll(/\s+/g, ' ')
    trace.push(`${label} ${end ?? 'was killed'}`)
  })
}

export async function deliver({ trace }: Context, message: HeldMessage): Promise<void> {
  trace.push(`${message.title}${message.late ? ', late' : ''}`)
  await withTimeout(20_000, message.deliver(), `The server does not respond to ${message.title}.`)
}

export function lose({ trace }: Context, message: HeldMessage): void {
  trace.push(`${message.title} never arrives`)
  message.lose('cut')
}

async function timeOut({ trace }: Context, client: Client): Promise<void> {
  trace.push(`${client.command} times out`)
  client.timeOut()
}

async function injectFault(context: Context, fault: Fault, { client, message, perform }: Choice): Promise<void> {
  if (!message) return void (await perform())
  if (message.late) return lose(context, message)
  context.trace.push(`${message.title}: ${fault}`)
  if (fault === 'kill before') return client.kill()
  if (fault === 'kill after') return message.deliver('cut', () => client.kill())
  if (fault === 'time out') return client.timeOut()
  if (fault === 'hang up') return message.hangUp()
  const how = fault.startsWith('cut') ? 'cut' : 'swallow'
  if (how === 'swallow') client.hanging = true
  return fault.endsWith('before') ? message.lose(how) : message.deliver(how)
}

/** Expires every lease and runs doctor without proxies. */
export async function settleAll(context: Context): Promise<void> {
  await expireAllLeases(context)
  context.trace.push('doctor --fix')
  context.settledAt.push(context.moment)
  const args = ['doctor', '--fix', '--deep', '-o', 'json']
  const work = context.doctor.run({ args, env: context.site.env, version: 'doctor' })
  context.doctors.push(await withTimeout(20_000, work, 'doctor does not finish.'))
}

async function expireAllLeases({ site, trace }: Context): Promise<void> {
  trace.push('all leases expire')
  await expireLeases(site)
}

async function writeOutside({ site, outsideWrites, trace, moment }: Context, pick: number): Promise<void> {
  const rows = await site.database.query(
    'SELECT id, secret_id FROM data_sources WHERE deleted_at IS NULL ORDER BY name',
  )
  const row = rows[pick % rows.length]
  const path = `data-sources/${row?.secret_id}`
  const secret = row && (await site.vault.readSecret(path))
  if (!secret) return
  const value = `outside${outsideWrites.length + 1}`
  const during = (await openIntentsIn(site)).some(intent => intent.data_source_id === row.id)
  trace.push(`${value} is written outside dsctl${during ? ', during an operation' : ''}`)
  await site.vault.writeSecret(path, { ...secret.data, default_schema: value })
  outsideWrites.push({ id: row.id, value, at: moment, during })
}
