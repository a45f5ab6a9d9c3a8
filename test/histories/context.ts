import type { Site } from '../support/site.ts'
import type { Ended, Worker, Workers } from '../support/workers.ts'
import { type Client, createClient } from './client.ts'
import { INITIAL } from './command-line.ts'
import type { History } from './history.ts'
import type { CommandRun, HistoryRun, OutsideWrite } from './history-run.ts'

export interface Processes {
  readonly workers: Workers
  /** A process that reaches both servers directly, without proxies. */
  readonly doctor: Worker
}

/** The state of a history that is running. */
export interface Context {
  readonly site: Site
  readonly history: History
  /** One per program of the history. */
  readonly clients: readonly Client[]
  readonly doctor: Worker
  readonly doctors: (Ended | undefined)[]
  readonly present: HistoryRun['present']
  readonly runs: CommandRun[]
  readonly outsideWrites: OutsideWrite[]
  readonly settledAt: number[]
  readonly trace: string[]
  /** How many commands each client has begun. */
  readonly begun: number[]
  /** Resolves when every client is idle, hangs, or has a message that is held. */
  quiet(): Promise<void>
  moment: number
}

export async function createContext(site: Site, history: History, { workers, doctor }: Processes): Promise<Context> {
  let wake = () => {}
  const clients = await Promise.all(history.programs.map(() => createClient(site, workers, () => wake())))
  const isQuiet = () => clients.every(each => !each.command || each.hanging || each.held.some(({ late }) => !late))
  const change = () =>
    new Promise<void>(resolve => {
      wake = resolve
    })
  const quiet = async () => {
    while (!isQuiet()) await withTimeout(20_000, change(), 'A command sends no message and does not end.')
    for (let more = clients.some(({ maySendMore }) => maySendMore); more; ) more = await happensSoon(change())
    for (const each of clients) each.maySendMore = false
  }
  const present = await addSources(site, history.present)
  const begun = clients.map(() => 0)
  const empty = { runs: [], outsideWrites: [], settledAt: [], trace: [], doctors: [] }
  return { site, history, clients, doctor, present, begun, quiet, ...empty, moment: 0 }
}

async function addSources(site: Site, names: History['present']): Promise<HistoryRun['present']> {
  const secret = { type: 'postgres', ...INITIAL, username: 'u', password: 'secret', default_database: 'd' }
  const added = names.map(async name => {
    const id = await site.addDataSource({ name })
    await site.vault.writeSecret(`data-sources/${id}`, secret)
    return [name, id] as const
  })
  return Object.fromEntries(await Promise.all(added))
}

/** Whether it happens within 5 ms: a process sends the messages of one batch faster than that. */
async function happensSoon(change: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<false>(resolve => {
    timer = setTimeout(resolve, 5, false)
  })
  return Promise.race([change.then(() => true), silence]).finally(() => clearTimeout(timer))
}

/** Rejects with `message` if the work takes longer than `ms` milliseconds. */
export async function withTimeout<T>(ms: number, work: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
