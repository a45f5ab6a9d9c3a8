import { type Interner, type Memos, pair, unpaired } from './memo.ts'
import { advance, type Heard, type Program, type Told } from './programs.ts'
import { encode, isRead, type Message } from './world.ts'

/** Where a process stands: a number for its program with all that it has heard. */
export type Place = number

/** A settler that looks for work. */
export const IDLE: Place = 0

/** More than any process hears before it ends. */
const MOST_HEARD = 80

const ENDLESS = { told: { kind: 'bug', message: 'it goes round for ever' } } as const

export interface Processes {
  /** Where a program begins. */
  start(program: Program): Promise<Place>
  /** Where a process stands when it has heard something more, by its number; undefined while that is not computed. */
  hear(place: Place, heard: number): Place | undefined
  /** What it sends now; undefined where it has ended. */
  sends(place: Place): Sent | undefined
  /** What it has told its user; undefined where it has not ended. */
  told(place: Place): Told | undefined
}

export interface Sent {
  /** Its number in `messages`. */
  readonly message: number
  readonly of: Message
  readonly read: boolean
}

interface Node {
  readonly program: Program
  readonly history: readonly Heard[]
  readonly sent: Sent | undefined
  readonly told: Told | undefined
}

/** All processes of a search. Where one ends, what it has heard is forgotten, and only what it has told counts. */
export function processes(messages: Interner, heardAt: (heard: number) => Heard, memo: Memos): Processes {
  const nodes: Node[] = [{ program: { kind: 'settle', id: '' }, history: [], sent: undefined, told: undefined }]
  const ends = new Map<string, Place>()

  async function place(program: Program, history: readonly Heard[]): Promise<Place> {
    const step = history.length > MOST_HEARD ? ENDLESS : await advance(program, history)
    if ('message' in step) {
      const sent = { message: messages.id(encode(step.message)), of: step.message, read: isRead(step.message) }
      return nodes.push({ program, history, sent, told: undefined }) - 1
    }
    if (program.kind === 'settle') return IDLE
    const end = encode([program.id, step.told])
    const known = ends.get(end) ?? nodes.push({ program, history: [], sent: undefined, told: step.told }) - 1
    ends.set(end, known)
    return known
  }

  const hear = memo.of(key => {
    const [at, heard] = unpaired(key)
    const { program, history } = nodeAt(at)
    return place(program, [...history, heardAt(heard)])
  })
  const nodeAt = (at: Place): Node => {
    const node = nodes[at]
    if (!node) throw new Error(`No process stands at ${at}.`)
    return node
  }
  return {
    start: program => place(program, []),
    hear: (at, heard) => hear(pair(at, heard)),
    sends: at => nodeAt(at).sent,
    told: at => nodeAt(at).told,
  }
}
