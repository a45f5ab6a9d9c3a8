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

// The real operations, run as far as the answers they have had take them. What they send next is left unanswered.

/** What a process is to do. `id` is what its intent, or its event, is called in the world. */
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

/** What came of a message, as its sender sees it. `late`: by then the time-out was over. */
export type Heard =
  | { readonly kind: 'answer'; readonly value?: unknown; readonly late?: boolean }
  | { readonly kind: 'lost' | 'away' | 'forbidden'; readonly late?: boolean }
  | { readonly kind: 'interrupt' }

/** What an operation tells its user. */
export type Told =
  | { readonly kind: 'done' | 'unchanged' }
  | { readonly kind: 'failed'; readonly code: string; readonly outcome?: FailureOutcome | undefined }
  | { readonly kind: 'bug'; readonly message: string }

export type Step = { readonly message: Message } | { readonly told: Told }

const TIMEOUT = 1000
export const CALLER = { email: 'ann@example.com', identitySource: 'test', organization: undefined, roles: [] } as const

/** Runs a program from its beginning through all that it has heard, to its next message or its end. */
export function advance(program: Program, history: readonly Heard[]): Promise<Step> {
  return new Promise(resolve => {
    const names = new Map<string, string>()
    const heard = [...history]
    const time = { now: 0 }
    let interrupted: 'interrupted' | undefined
    const call = (message: Message): Promise<unknown> => {
      learnNames(program, message, names)
      let next = heard.shift()
      for (; next?.kind === 'interrupt'; next = heard.shift()) interrupted = 'interrupted'
      if (next) return reaction(next, time)
      resolve({ message: renamed(message, names) })
      return new Promise(() => {})
    }
    const stores: Stores = {
      ...{ caller: { ...CALLER, roles: ['data_admin'] }, ...remotePorts(call), clock: clockAt(time) },
      ...{ timeoutMs: TIMEOUT, process: 'settler', interrupted: () => interrupted },
    }
    run(program, stores).then(
      told => resolve({ told }),
      error => resolve({ told: failure(error) }),
    )
  })
}

/** Stores for running an operation on ports that answer at once. */
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
      { organizationInPath: false }, // no message: it is so from the start
      {
        get: (known, method) =>
          known[String(method)] ?? ((...args: unknown[]) => call({ port: name, method: String(method), args })),
      },
    ) as T
  return { records: port<Records>('records'), secrets: port<Secrets>('secrets') }
}

function reaction(heard: Exclude<Heard, { kind: 'interrupt' }>, time: { now: number }): Promise<unknown> {
  if (heard.late) time.now += TIMEOUT
  if (heard.kind === 'answer') return Promise.resolve(heard.value)
  if (heard.kind === 'forbidden') return Promise.reject(new DsctlError('forbidden', 'Refused.'))
  return Promise.reject(new UnavailableError(heard.kind === 'lost' ? 'maybe' : 'no', 'No answer.'))
}

async function run(program: Program, stores: Stores): Promise<Told> {
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

function failure(error: unknown): Told {
  if (!(error instanceof DsctlError)) return { kind: 'bug', message: String(error) }
  return { kind: 'failed', code: error.code, outcome: error.details.outcome }
}

// An operation makes new ids each time it is run; in the world they have the names that the scenario gives them.
function learnNames(program: Program, { args }: Message, names: Map<string, string>): void {
  const ids = args[1] as { intentId?: string; eventId?: string; id?: string } | undefined
  if (program.kind === 'settle' || typeof ids !== 'object') return
  const own = ids.intentId ?? ids.eventId
  if (own !== undefined) names.set(own, program.id)
  if (ids.id !== undefined) names.set(ids.id, program.source)
}

function renamed(message: Message, names: ReadonlyMap<string, string>): Message {
  let text = encode(message)
  for (const [own, name] of names) text = text.replaceAll(own, name)
  return decode(text)
}
