import { DsctlError, type FailureOutcome, UnavailableError } from '../../src/domain/errors.ts'
import { Secret } from '../../src/domain/secret.ts'
import { create } from '../../src/operations/create.ts'
import { deleteDataSource } from '../../src/operations/delete.ts'
import type { Clock, Stores } from '../../src/operations/stores.ts'
import { settleOnce } from '../../src/operations/two-stores/settle.ts'
import { update } from '../../src/operations/update.ts'
import type { Records } from '../../src/ports/records.ts'
import type { Secrets } from '../../src/ports/secrets.ts'
import { decode, encode, type Message, type Ports } from './world.ts'

// Runs the real operations up to the first message without a reply.

/** What a process does. `id` is the id of its intent, or of its audit event, in the world. */
export type Program =
  | { readonly kind: 'create'; readonly id: string; readonly source: string; readonly name: string; readonly set: Set }
  | {
      readonly kind: 'update'
      readonly id: string
      readonly source: string
      readonly ref: string
      readonly name?: string
      readonly set?: Set
    }
  | { readonly kind: 'delete'; readonly id: string; readonly source: string; readonly ref: string }
  | { readonly kind: 'settle'; readonly id: string }

/** Fields of the credentials. */
type Set = Readonly<Record<string, string>>

/** What the sender of a message receives. `timedOut`: by then its time-out is over. */
export type Reply =
  | { readonly kind: 'answer'; readonly value?: unknown; readonly timedOut?: boolean }
  | { readonly kind: 'lost' | 'unavailable' | 'forbidden'; readonly timedOut?: boolean }
  | { readonly kind: 'interrupt' }

/** What the user of an operation gets. */
export type Result =
  | { readonly kind: 'done' | 'unchanged' }
  | { readonly kind: 'failed'; readonly code: string; readonly outcome?: FailureOutcome | undefined }
  | { readonly kind: 'bug'; readonly message: string }

export type Step = { readonly message: Message } | { readonly result: Result }

const TIMEOUT = 1000
export const CALLER = { email: 'ann@example.com', identitySource: 'test', organization: undefined, roles: [] } as const

/** Runs a program from its beginning, with all replies so far, to its next message or its end. */
export function advance(program: Program, history: readonly Reply[]): Promise<Step> {
  return new Promise(resolve => {
    const ids = new Map<string, string>()
    const replies = [...history]
    const time = { now: 0 }
    let interrupted: 'interrupted' | undefined
    const call = (message: Message): Promise<unknown> => {
      learnIds(program, message, ids)
      let next = replies.shift()
      for (; next?.kind === 'interrupt'; next = replies.shift()) interrupted = 'interrupted'
      if (next) return deliverReply(next, time)
      resolve({ message: withFixedIds(message, ids) })
      return new Promise(() => {})
    }
    const stores: Stores = {
      ...{ caller: { ...CALLER, roles: ['data_admin'] }, ...remotePorts(call), clock: clockAt(time) },
      ...{ timeoutMs: TIMEOUT, process: 'settler', interrupted: () => interrupted },
    }
    run(program, stores).then(
      result => resolve({ result }),
      error => resolve({ result: failure(error) }),
    )
  })
}

/** Stores with ports that answer immediately. */
export function storesOn(ports: Ports): Stores {
  const caller: Stores['caller'] = { ...CALLER, roles: ['data_admin'] }
  const clock = clockAt({ now: 0 })
  return { ...ports, caller, clock, timeoutMs: TIMEOUT, process: 'settler', interrupted: () => undefined }
}

function clockAt(time: { readonly now: number }): Clock {
  return { now: () => time.now, sleep: () => Promise.resolve(), random: () => 0.5 }
}

function remotePorts(call: (message: Message) => Promise<unknown>): Ports {
  const port = <T>(name: Message['port']) =>
    new Proxy<Record<string, unknown>>(
      { organizationInPath: false }, // A constant, not a message.
      {
        get: (known, method) =>
          known[String(method)] ?? ((...args: unknown[]) => call({ port: name, method: String(method), args })),
      },
    ) as T
  return { records: port<Records>('records'), secrets: port<Secrets>('secrets') }
}

function deliverReply(reply: Exclude<Reply, { kind: 'interrupt' }>, time: { now: number }): Promise<unknown> {
  if (reply.timedOut) time.now += TIMEOUT
  if (reply.kind === 'answer') return Promise.resolve(reply.value)
  if (reply.kind === 'forbidden') return Promise.reject(new DsctlError('forbidden', 'Refused.'))
  return Promise.reject(new UnavailableError(reply.kind === 'lost' ? 'maybe' : 'no', 'No answer.'))
}

async function run(program: Program, stores: Stores): Promise<Result> {
  switch (program.kind) {
    case 'create': {
      const credentials = Object.fromEntries(
        Object.entries(program.set).map(([key, value]) => [key, new Secret(value)]),
      )
      await create(stores, { name: program.name, env: 'dev', type: 'databricks', credentials })
      return { kind: 'done' }
    }
    case 'update': {
      const request = { ref: { text: program.ref, env: undefined }, name: program.name, env: undefined, unset: [] }
      const expected = { id: undefined, type: undefined }
      const { changed } = await update(stores, { ...request, fields: program.set ?? {}, expected })
      return { kind: changed.length ? 'done' : 'unchanged' }
    }
    case 'delete':
      await deleteDataSource(stores, { text: program.ref, env: undefined })
      return { kind: 'done' }
    case 'settle':
      await settleOnce(stores, program.id, 'settler')
      return { kind: 'done' }
  }
}

function failure(error: unknown): Result {
  if (!(error instanceof DsctlError)) return { kind: 'bug', message: String(error) }
  return { kind: 'failed', code: error.code, outcome: error.details.outcome }
}

// An operation makes new ids in each run. In the world, they are replaced by the fixed ids of the scenario.
function learnIds(program: Program, { args }: Message, ids: Map<string, string>): void {
  const sent = args[1] as { intentId?: string; eventId?: string; id?: string } | undefined
  if (program.kind === 'settle' || typeof sent !== 'object') return
  const own = sent.intentId ?? sent.eventId
  if (own !== undefined) ids.set(own, program.id)
  if (sent.id !== undefined) ids.set(sent.id, program.source)
}

function withFixedIds(message: Message, ids: ReadonlyMap<string, string>): Message {
  let text = encode(message)
  for (const [own, fixed] of ids) text = text.replaceAll(own, fixed)
  return decode(text)
}
