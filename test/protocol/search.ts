import { type Event, events } from './events.ts'
import { graph } from './graph.ts'
import { HEARS, hearing } from './hearing.ts'
import { judge, lieIn } from './judge.ts'
import { interner, memos, pair, unpaired } from './memo.ts'
import { IDLE, type Place, processes, type Sent } from './processes.ts'
import { brief, say } from './say.ts'
import type { Scenario } from './scenario.ts'
import { type Found, walk } from './walk.ts'
import { decode, deliver, encodeWorld, type Message, type Mutation, type World } from './world.ts'

/**
 * A moment of a schedule: the stores, what may still go wrong, where each process stands (settlers last, in order,
 * since they are alike), and the messages under way whose sender waits for no answer.
 */
interface State {
  readonly world: number
  readonly lost: number
  readonly refused: number
  readonly interrupts: number
  /** What has acted around, as bits. */
  readonly acted: number
  readonly places: readonly Place[]
  readonly settlers: readonly Place[]
  readonly late: readonly number[]
}

type Add = (to: State, how: () => string) => void

/**
 * Runs the operations through every interleaving within the scenario's bounds, breadth first, and checks every state
 * reached: stopping there, are both stores right once all is settled, and was everything told to a user true?
 */
export async function search(scenario: Scenario, mutation?: Mutation): Promise<Found> {
  // Thousands of errors are made on the way, and nobody looks where.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  return explore(scenario, mutation).finally(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
}

async function explore(scenario: Scenario, mutation: Mutation | undefined): Promise<Found> {
  const memo = memos()
  const worlds = interner()
  const messages = interner()
  const { answer, heard, text } = hearing()
  const running = processes(messages, heard, memo)

  const delivered = memo.of(async key => {
    const [at, message] = unpaired(key)
    const world = decode<World>(worlds.text(at))
    const heard = answer(await deliver(world, decode<Message>(messages.text(message)), mutation))
    return { world: worlds.id(encodeWorld(world)), heard }
  })
  const verdict = memo.of(at => judge(decode<World>(worlds.text(at)), scenario, mutation))
  const around = memo.of(async at => events(decode<World>(worlds.text(at)), scenario).map(numbered))
  const numbered = ({ world, ...event }: Event) => ({ ...event, world: worlds.id(encodeWorld(world)) })
  const expired = memo.of(async at => {
    const { db } = decode<World>(worlds.text(at))
    const over = db.intents.filter(intent => intent.state !== 'closed' && intent.expiresAt <= db.now)
    return Promise.all(over.map(({ id }) => running.start({ kind: 'settle', id })))
  })

  /** All that may happen next. What is not known yet is left out, and asked for. */
  function next(state: State, add: Add): void {
    state.places.forEach((place, p) => {
      const set = (to: Place) => ({ places: state.places.with(p, to) })
      const sent = running.sends(place)
      if (sent) receives(state, { place, sent, set, who: `process ${p + 1}`, owner: true }, add)
      if (sent && state.interrupts) {
        const to = running.hear(place, HEARS.interrupt)
        const less = { interrupts: state.interrupts - 1 }
        if (to !== undefined) add({ ...state, ...set(to), ...less }, () => `(process ${p + 1} is interrupted)`)
      }
    })
    state.settlers.forEach((settler, k) => {
      if (k > 0 && settler === state.settlers[k - 1]) return
      const set = (to: Place) => ({ settlers: state.settlers.with(k, to).sort((a, b) => a - b) })
      for (const place of settler === IDLE ? (expired(state.world) ?? []) : [settler]) {
        const sent = running.sends(place)
        if (sent) receives(state, { place, sent, set, who: 'settler', owner: false }, add)
      }
    })
    arrives(state, add)
    for (const { world, bit, after, name } of around(state.world) ?? []) {
      if (state.acted & bit || (state.acted & after) !== after) continue
      add({ ...state, world, acted: state.acted | bit }, () => `(${name})`)
    }
  }

  interface Receiver {
    readonly place: Place
    readonly sent: Sent
    readonly set: (to: Place) => Partial<State>
    readonly who: string
    /** An owner has a time-out; for a settler it makes no difference. */
    readonly owner: boolean
  }

  function receives(state: State, { place, sent, set, who, owner }: Receiver, add: Add): void {
    const hears = (heard: number, change: Partial<State>) => {
      const to = running.hear(place, heard)
      if (to !== undefined)
        add({ ...state, ...change, ...set(to) }, () => `${who}: ${say(sent.of)} -> ${brief(text(heard))}`)
    }
    const done = delivered(pair(state.world, sent.message))
    if (done) hears(done.heard, { world: done.world })
    const under = { late: [...state.late, sent.message].sort((a, b) => a - b) }
    const less = { lost: state.lost - 1, ...(sent.read ? {} : under) }
    if (state.lost && !(sent.read && !owner)) hears(HEARS.lost, less)
    // A settler that fails might as well have stopped; it has no time-out either.
    if (!owner) return
    if (state.lost) hears(HEARS.lostAndLate, less)
    if (!state.refused) return
    const refusal = { refused: state.refused - 1 }
    hears(HEARS.forbidden, refusal)
    // To who reads, no answer and a clear "not now" are the same.
    if (sent.read) return
    hears(HEARS.away, refusal)
    hears(HEARS.awayAndLate, refusal)
  }

  function arrives(state: State, add: Add): void {
    state.late.forEach((message, k) => {
      if (k > 0 && message === state.late[k - 1]) return
      const done = delivered(pair(state.world, message))
      const change = { late: state.late.toSpliced(k, 1) }
      const how = () => `(arrives late) ${say(decode<Message>(messages.text(message)))}`
      if (done) add({ ...state, ...change, world: done.world }, how)
    })
  }

  /** Undefined where it is not known yet; '' where nothing is wrong. */
  function violation(state: State): string | undefined {
    const found = verdict(state.world)
    if (!found) return undefined
    if (found.wrong) return found.wrong
    const quiet = state.lost === scenario.lost && state.refused === scenario.refused && !state.acted
    for (const [p, place] of state.places.entries()) {
      const told = running.told(place)
      const program = scenario.programs[p]
      const lie = told && program && lieIn(told, program, found)
      if (lie) return lie
      if (quiet && told?.kind === 'failed' && told.outcome === 'unknown') return `told as unknown, and nothing was lost`
    }
    return ''
  }

  const first: State = {
    ...{ world: worlds.id(encodeWorld(scenario.world)), lost: scenario.lost, refused: scenario.refused, late: [] },
    ...{ interrupts: scenario.interrupts, acted: 0, settlers: Array(scenario.settlers).fill(IDLE) },
    places: await Promise.all(scenario.programs.map(program => running.start(program))),
  }
  return walk(graph(first, keyOf), { next, violation, keyOf, computed: memo.computed })
}

function keyOf({ world, lost, refused, interrupts, acted, places, settlers, late }: State): string {
  return `${world},${lost},${refused},${interrupts},${acted},${places},${settlers},${late}`
}
