import { CUT_AFTER, CUT_BEFORE, type Fault, SWALLOW_ANSWER } from '../../support/faults.ts'
import type { RunResult } from '../../support/run.ts'
import { type Answer, answerAfterwardsWith, answerWith } from '../../support/vault-proxy.ts'
import type { Fixture } from './fixtures.ts'

export type Store = 'postgres' | 'vault'

/** What a fault can do to the command, besides changing the server's response. */
export interface FaultContext {
  kill(): void
  stop(): void
  resume(): void
  /** Has another process settle what the command has begun. */
  settle(): Promise<void>
  /** Resolves when the command has had a response to a later message, or has ended. */
  readonly progressed: () => Promise<void>
  /** Resolves when the command has ended and another process has settled what it left. */
  readonly settled: Promise<void>
}

export interface Kind {
  /** Makes the fault of one message. */
  readonly create: (context: FaultContext) => Fault<unknown, Answer>
  /** Whether the message may take effect after everything was settled, so that it has to be settled again. */
  readonly late?: true
  /** The command's --timeout, in seconds; 1 by default. */
  readonly timeout?: number
}

const nothing = () => undefined

const kill = (context: FaultContext) => {
  context.kill()
  return 'cut' as const
}

const stopWhileSettled = async (context: FaultContext) => {
  context.stop()
  await context.settle()
  context.resume()
  return undefined
}

// The keys are part of test titles, after `vault message 2:`.
const COMMON: Readonly<Record<string, Kind>> = {
  'killed before': { create: context => ({ before: () => kill(context) }) },
  'killed after': { create: context => ({ after: () => kill(context) }) },
  'connection lost before': { create: () => CUT_BEFORE },
  'response lost with the connection': { create: () => CUT_AFTER },
  'no response': { create: () => SWALLOW_ANSWER },
  // The time-out is longer than the stop, so that the command continues where it was.
  'stopped before until settled': {
    create: context => ({ before: () => stopWhileSettled(context) }),
    ...{ late: true, timeout: 10 },
  },
  'stopped after until settled': {
    create: context => ({ after: () => stopWhileSettled(context) }),
    timeout: 10,
  },
  'arrives late, during later messages': {
    create: ({ progressed }) => ({ before: () => progressed().then(nothing) }),
    late: true,
  },
  'arrives late, after settling': {
    create: ({ settled }) => ({ before: () => settled.then(nothing) }),
    late: true,
  },
}

const VAULT_ONLY: Readonly<Record<string, Kind>> = {
  '500 although done': { create: () => answerAfterwardsWith(500) },
  'status 503': { create: () => answerWith(503, { errors: ['Vault is sealed'] }) },
  'status 429': { create: () => answerWith(429) },
  'status 403': { create: () => answerWith(403, { errors: ['permission denied'] }) },
}

export const FAULTS: Readonly<Record<Store, Readonly<Record<string, Kind>>>> = {
  postgres: COMMON,
  vault: { ...COMMON, ...VAULT_ONLY },
}

/** The messages that are steps of an operation. Those that identify the caller are not counted. */
export const STEP_MESSAGES = {
  postgres: /\/\* dsctl |update "dsctl"/,
  vault: /\/(data|metadata|delete)\//,
}

/** One fault at one message. */
export interface Schedule {
  readonly store: Store
  /** Which of the operation's messages to that store, from 1. */
  readonly message: number
  readonly kind: Kind
}

export interface FaultedRun {
  readonly result: RunResult
  /** Whether the operation sent the message of the schedule. */
  readonly reached: boolean
  /** How many messages the operation sent to each store. */
  readonly sent: Readonly<Record<Store, number>>
}

/**
 * Runs a command through the fixture's proxies with one fault. Calls `settle` when it has ended, then waits until a
 * delayed message has arrived.
 */
export async function runWithFault(
  { proxied }: Fixture,
  { args, stdin, settle }: { args: readonly string[]; stdin?: string; settle: () => Promise<void> },
  schedule: Schedule | undefined,
): Promise<FaultedRun> {
  const traffic = watch(proxied)
  const ended = signal()
  const settled = signal()
  let child = { kill: (_: NodeJS.Signals) => true }
  let failure: unknown
  const armed = schedule && arm(proxied, schedule, context())
  const timeout = schedule ? (schedule.kind.timeout ?? 1) : 10
  const options = { env: { PASSWORD: 'secret' }, ...(stdin !== undefined && { stdin }) }
  const running = proxied.spawn([...args, '--timeout', String(timeout), '-o', 'json'], options)
  child = running.child
  const result = await running.result
  ended.fire()
  if (failure) throw failure
  await settle()
  const sent = traffic.sent()
  settled.fire()
  await armed?.arrived()
  return { result, reached: armed?.reached() ?? false, sent }

  function context(): FaultContext {
    return {
      kill: () => void child.kill('SIGKILL'),
      stop: () => void child.kill('SIGSTOP'),
      resume: () => void child.kill('SIGCONT'),
      // A proxy calls this, and nothing would report its rejection.
      settle: () =>
        settle().catch(error => {
          failure = error
        }),
      progressed: () => Promise.race([traffic.answered(), ended.fired]),
      settled: settled.fired,
    }
  }
}

function arm(proxied: Fixture['proxied'], { store, message, kind }: Schedule, context: FaultContext) {
  const { before, after } = kind.create(context)
  const arrived = signal()
  let count = 0
  let faulted: unknown
  const fault: Fault<unknown, Answer> = {
    async before(seen) {
      if (++count !== message) return undefined
      faulted = seen
      const verdict = await before?.(seen)
      if (verdict !== undefined) arrived.fire()
      return verdict
    },
    async after(seen) {
      if (seen !== faulted) return undefined
      arrived.fire()
      return after?.(seen)
    },
  }
  if (store === 'postgres') proxied.postgres.at(STEP_MESSAGES.postgres, fault as Fault<unknown>)
  else proxied.vault.at(STEP_MESSAGES.vault, fault)
  return { reached: () => count >= message, arrived: async () => void (count >= message && (await arrived.fired)) }
}

/** Counts the operation's messages, and reports each response. */
function watch({ postgres, vault }: Fixture['proxied']) {
  const count = { postgres: 0, vault: 0 }
  let waiting: (() => void)[] = []
  const watcher = (store: Store) => ({
    before: () => void count[store]++,
    after: () => {
      for (const wake of waiting) wake()
      waiting = []
    },
  })
  postgres.at(STEP_MESSAGES.postgres, watcher('postgres') as Fault<unknown>)
  vault.at(STEP_MESSAGES.vault, watcher('vault') as Fault<unknown, Answer>)
  return { sent: () => ({ ...count }), answered: () => new Promise<void>(resolve => waiting.push(resolve)) }
}

function signal() {
  let fire = () => {}
  const fired = new Promise<void>(resolve => {
    fire = resolve
  })
  return { fire, fired }
}
