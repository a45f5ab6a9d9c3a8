import { CUT_AFTER, CUT_BEFORE, type Fault, SWALLOW_ANSWER } from '../../support/faults.ts'
import type { RunResult } from '../../support/run.ts'
import { type Answer, answerAfterwardsWith, answerWith } from '../../support/vault-proxy.ts'
import type { Lane } from './lanes.ts'

export type Store = 'postgres' | 'vault'

/** What a fault may do beside answering: the command is `kill`ed or `stop`ped, `settle` has another settle its work. */
export interface Scene {
  kill(): void
  stop(): void
  goOn(): void
  settle(): Promise<void>
  /** Resolves when the command has had an answer to a later message than this, or has ended. */
  readonly moved: () => Promise<void>
  /** Resolves when the command has ended and another has settled what it left. */
  readonly settled: Promise<void>
}

/** What goes wrong at one message. */
export type Making = (scene: Scene) => Fault<unknown, Answer>

export interface Kind {
  readonly make: Making
  /** Whether something may take effect after all was settled, so that it has to be settled once more. */
  readonly late?: true
  /** How long the command waits for an answer, in seconds; 1 unless given. */
  readonly timeout?: number
}

const nothing = () => undefined

const killed = (scene: Scene) => {
  scene.kill()
  return 'cut' as const
}

const overslept = async (scene: Scene) => {
  scene.stop()
  await scene.settle()
  scene.goOn()
  return undefined
}

const COMMON: Readonly<Record<string, Kind>> = {
  'is killed before it': { make: scene => ({ before: () => killed(scene) }) },
  'is killed after it': { make: scene => ({ after: () => killed(scene) }) },
  'loses the connection before it': { make: () => CUT_BEFORE },
  'loses its answer with the connection': { make: () => CUT_AFTER },
  'waits for its answer in vain': { make: () => SWALLOW_ANSWER },
  // Longer than it is stopped, so that it goes on where it was.
  'is stopped before it until another has settled': {
    make: scene => ({ before: () => overslept(scene) }),
    ...{ late: true, timeout: 10 },
  },
  'is stopped after it until another has settled': {
    make: scene => ({ after: () => overslept(scene) }),
    timeout: 10,
  },
  'has it arrive past the time-out, amid what follows': {
    make: ({ moved }) => ({ before: () => moved().then(nothing) }),
    late: true,
  },
  'has it arrive when all is settled': { make: ({ settled }) => ({ before: () => settled.then(nothing) }), late: true },
}

const VAULT_ONLY: Readonly<Record<string, Kind>> = {
  'is told 500 though it was done': { make: () => answerAfterwardsWith(500) },
  'is told 503': { make: () => answerWith(503, { errors: ['Vault is sealed'] }) },
  'is told 429': { make: () => answerWith(429) },
  'is told 403': { make: () => answerWith(403, { errors: ['permission denied'] }) },
}

export const FAULTS: Readonly<Record<Store, Readonly<Record<string, Kind>>>> = {
  postgres: COMMON,
  vault: { ...COMMON, ...VAULT_ONLY },
}

/** The messages of an operation itself: those that ask who is calling come before and beside. */
export const OWN = {
  postgres: /\/\* dsctl |update "dsctl"/,
  vault: /\/(data|metadata|delete)\//,
}

export interface Schedule {
  readonly store: Store
  /** The how-manieth of the operation's own messages to that store. */
  readonly message: number
  readonly kind: Kind
}

export interface Attempted {
  readonly told: RunResult
  /** Whether there was such a message at all. */
  readonly reached: boolean
  /** How many messages of its own it sent to each store. */
  readonly sent: Readonly<Record<Store, number>>
}

/**
 * Runs a command through the lane's proxies with one thing going wrong, has `settle` run when it has ended, and lets what
 * was held arrive after that.
 */
export async function attempt(
  { proxied }: Lane,
  { args, stdin, settle }: { args: readonly string[]; stdin?: string; settle: () => Promise<void> },
  schedule: Schedule | undefined,
): Promise<Attempted> {
  const traffic = watch(proxied)
  const ended = signal()
  const settled = signal()
  let child = { kill: (_: NodeJS.Signals) => true }
  let failure: unknown
  const armed = schedule && arm(proxied, schedule, scene())
  const timeout = schedule ? (schedule.kind.timeout ?? 1) : 10
  const options = { env: { PASSWORD: 'secret' }, ...(stdin !== undefined && { stdin }) }
  const running = proxied.start([...args, '--timeout', String(timeout), '-o', 'json'], options)
  child = running.child
  const told = await running.result
  ended.fire()
  if (failure) throw failure
  await settle()
  const sent = traffic.sent()
  settled.fire()
  await armed?.arrived()
  return { told, reached: armed?.reached() ?? false, sent }

  function scene(): Scene {
    return {
      kill: () => void child.kill('SIGKILL'),
      stop: () => void child.kill('SIGSTOP'),
      goOn: () => void child.kill('SIGCONT'),
      // Within a message on its way nobody would hear of it.
      settle: () =>
        settle().catch(error => {
          failure = error
        }),
      moved: () => Promise.race([traffic.answered(), ended.fired]),
      settled: settled.fired,
    }
  }
}

function arm(proxied: Lane['proxied'], { store, message, kind }: Schedule, scene: Scene) {
  const { before, after } = kind.make(scene)
  const arrived = signal()
  let count = 0
  let mine: unknown
  const fault: Fault<unknown, Answer> = {
    async before(seen) {
      if (++count !== message) return undefined
      mine = seen
      const verdict = await before?.(seen)
      if (verdict !== undefined) arrived.fire()
      return verdict
    },
    async after(seen) {
      if (seen !== mine) return undefined
      arrived.fire()
      return after?.(seen)
    },
  }
  if (store === 'postgres') proxied.postgres.at(OWN.postgres, fault as Fault<unknown>)
  else proxied.vault.at(OWN.vault, fault)
  return { reached: () => count >= message, arrived: async () => void (count >= message && (await arrived.fired)) }
}

/** Sees the operation's own messages, and their answers. */
function watch({ postgres, vault }: Lane['proxied']) {
  const count = { postgres: 0, vault: 0 }
  let waiting: (() => void)[] = []
  const seen = (store: Store) => ({
    before: () => void count[store]++,
    after: () => {
      for (const wake of waiting) wake()
      waiting = []
    },
  })
  postgres.at(OWN.postgres, seen('postgres') as Fault<unknown>)
  vault.at(OWN.vault, seen('vault') as Fault<unknown, Answer>)
  return { sent: () => ({ ...count }), answered: () => new Promise<void>(resolve => waiting.push(resolve)) }
}

function signal() {
  let fire = () => {}
  const fired = new Promise<void>(resolve => {
    fire = resolve
  })
  return { fire, fired }
}
