import { checkWorld, findUntruth } from './check-world.ts'
import { possibleEvents, type WorldEvent } from './events.ts'
import { formatMessage, shorten } from './format-message.ts'
import { graph } from './graph.ts'
import { interner, memos, pair, unpaired } from './memo.ts'
import { IDLE, type Position, processes, type Sent } from './processes.ts'
import { FAILURE, replies } from './replies.ts'
import type { Scenario } from './scenario.ts'
import { type SearchResult, walk } from './walk.ts'
import { decode, deliver, encodeWorld, type Message, type Mutation, type World } from './world.ts'

/**
 * A point of a schedule: the stores, the remaining bounds, the position of each process, and the late messages, whose
 * senders no longer wait. The positions of settlers are sorted, since settlers are interchangeable.
 */
interface State {
  readonly world: number
  readonly lost: number
  readonly refused: number
  readonly interrupts: number
  /** The acts of the application and outsiders so far, as bits. */
  readonly acted: number
  readonly positions: readonly Position[]
  readonly settlers: readonly Position[]
  readonly late: readonly number[]
}

type Add = (to: State, describe: () => string) => void

/**
 * Runs the operations through every schedule within the scenario's bounds, breadth first, and checks every state: if all
 * processes stop there, are both stores right after settling, and is every result that a user got true?
 */
export async function search(scenario: Scenario, mutation?: Mutation): Promise<SearchResult> {
  // The search creates thousands of errors, and nobody reads their stack traces.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  return explore(scenario, mutation).finally(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
}

async function explore(scenario: Scenario, mutation: Mutation | undefined): Promise<SearchResult> {
  const memo = memos()
  const worlds = interner()
  const messages = interner()
  const { answer, reply, text } = replies()
  const running = processes(messages, reply, memo)

  const delivered = memo.of(async key => {
    const [at, message] = unpaired(key)
    const world = decode<World>(worlds.text(at))
    const reply = answer(await deliver(world, decode<Message>(messages.text(message)), mutation))
    return { world: worlds.id(encodeWorld(world)), reply }
  })
  const check = memo.of(at => checkWorld(decode<World>(worlds.text(at)), scenario, mutation))
  const eventsIn = memo.of(async at => possibleEvents(decode<World>(worlds.text(at)), scenario).map(numbered))
  const numbered = ({ world, ...event }: WorldEvent) => ({ ...event, world: worlds.id(encodeWorld(world)) })
  const expired = memo.of(async at => {
    const { db } = decode<World>(worlds.text(at))
    const intents = db.intents.filter(intent => intent.state !== 'closed' && intent.expiresAt <= db.now)
    return Promise.all(intents.map(({ id }) => running.start({ kind: 'settle', id })))
  })

  /** All steps that are possible next. Steps whose result is unknown yet are left out, and get computed. */
  function next(state: State, add: Add): void {
    state.positions.forEach((position, p) => {
      const set = (to: Position) => ({ positions: state.positions.with(p, to) })
      const sent = running.sends(position)
      if (sent) addReplies(state, { position, sent, set, who: `process ${p + 1}`, owner: true }, add)
      if (sent && state.interrupts) {
        const to = running.receive(position, FAILURE.interrupt)
        const less = { interrupts: state.interrupts - 1 }
        if (to !== undefined) add({ ...state, ...set(to), ...less }, () => `(process ${p + 1} is interrupted)`)
      }
    })
    state.settlers.forEach((settler, k) => {
      if (k > 0 && settler === state.settlers[k - 1]) return
      const set = (to: Position) => ({ settlers: state.settlers.with(k, to).sort((a, b) => a - b) })
      for (const position of settler === IDLE ? (expired(state.world) ?? []) : [settler]) {
        const sent = running.sends(position)
        if (sent) addReplies(state, { position, sent, set, who: 'settler', owner: false }, add)
      }
    })
    addLateArrivals(state, add)
    for (const { world, bit, after, name } of eventsIn(state.world) ?? []) {
      if (state.acted & bit || (state.acted & after) !== after) continue
      add({ ...state, world, acted: state.acted | bit }, () => `(${name})`)
    }
  }

  interface Receiver {
    readonly position: Position
    readonly sent: Sent
    readonly set: (to: Position) => Partial<State>
    readonly who: string
    /** Whether it is a user's process. Time-outs and refusals make no difference for settlers. */
    readonly owner: boolean
  }

  /** Adds the state for each reply that the sender of a message may get. */
  function addReplies(state: State, { position, sent, set, who, owner }: Receiver, add: Add): void {
    const receives = (reply: number, change: Partial<State>) => {
      const to = running.receive(position, reply)
      if (to !== undefined)
        add(
          { ...state, ...change, ...set(to) },
          () => `${who}: ${formatMessage(sent.message)} -> ${shorten(text(reply))}`,
        )
    }
    const done = delivered(pair(state.world, sent.id))
    if (done) receives(done.reply, { world: done.world })
    const late = { late: [...state.late, sent.id].sort((a, b) => a - b) }
    const less = { lost: state.lost - 1, ...(sent.read ? {} : late) }
    if (state.lost && !(sent.read && !owner)) receives(FAILURE.lost, less)
    // A settler that fails is like one that has stopped.
    if (!owner) return
    if (state.lost) receives(FAILURE.lostAndTimedOut, less)
    if (!state.refused) return
    const refusal = { refused: state.refused - 1 }
    receives(FAILURE.forbidden, refusal)
    // For a read, a lost answer and an unavailable store are the same.
    if (sent.read) return
    receives(FAILURE.unavailable, refusal)
    receives(FAILURE.unavailableAndTimedOut, refusal)
  }

  /** Adds the state after the arrival of each late message. */
  function addLateArrivals(state: State, add: Add): void {
    state.late.forEach((message, k) => {
      if (k > 0 && message === state.late[k - 1]) return
      const done = delivered(pair(state.world, message))
      const change = { late: state.late.toSpliced(k, 1) }
      const describe = () => `(arrives late) ${formatMessage(decode<Message>(messages.text(message)))}`
      if (done) add({ ...state, ...change, world: done.world }, describe)
    })
  }

  /** Empty if nothing is wrong. Undefined if unknown yet. */
  function violation(state: State): string | undefined {
    const found = check(state.world)
    if (!found) return undefined
    if (found.violation) return found.violation
    const quiet = state.lost === scenario.lost && state.refused === scenario.refused && !state.acted
    for (const [p, position] of state.positions.entries()) {
      const result = running.result(position)
      const program = scenario.programs[p]
      const untruth = result && program && findUntruth(result, program, found)
      if (untruth) return untruth
      if (quiet && result?.kind === 'failed' && result.outcome === 'unknown')
        return 'reported as unknown, but nothing was lost'
    }
    return ''
  }

  const first: State = {
    ...{ world: worlds.id(encodeWorld(scenario.world)), lost: scenario.lost, refused: scenario.refused, late: [] },
    ...{ interrupts: scenario.interrupts, acted: 0, settlers: Array(scenario.settlers).fill(IDLE) },
    positions: await Promise.all(scenario.programs.map(program => running.start(program))),
  }
  return walk(graph(first, keyOf), { next, violation, keyOf, computed: memo.computed })
}

function keyOf({ world, lost, refused, interrupts, acted, positions, settlers, late }: State): string {
  return `${world},${lost},${refused},${interrupts},${acted},${positions},${settlers},${late}`
}
