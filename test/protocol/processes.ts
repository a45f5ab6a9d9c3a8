import { type Interner, type Memos, pair, unpaired } from './memo.ts'
import { advance, type Program, type Reply, type Result } from './programs.ts'
import { encode, isRead, type Message } from './world.ts'

/** The state of a process: a number for its program and all replies that it has received. */
export type Position = number

/** A settler without work. */
export const IDLE: Position = 0

/** More replies than any process receives. */
const MAX_REPLIES = 80

const ENDLESS = { result: { kind: 'bug', message: 'it never ends' } } as const

export interface Processes {
  /** The first position of a program. */
  start(program: Program): Promise<Position>
  /** The position after one more reply, given by its number. Undefined while that is not computed. */
  receive(position: Position, reply: number): Position | undefined
  /** What the process sends next. Undefined if it has ended. */
  sends(position: Position): Sent | undefined
  /** The result for the user. Undefined if the process has not ended. */
  result(position: Position): Result | undefined
}

export interface Sent {
  /** The number of the message in `messages`. */
  readonly id: number
  readonly message: Message
  readonly read: boolean
}

interface Node {
  readonly program: Program
  readonly history: readonly Reply[]
  readonly sent: Sent | undefined
  readonly result: Result | undefined
}

/** All processes of a search. Of a process that has ended, only the result is kept. */
export function processes(messages: Interner, replyOf: (id: number) => Reply, memo: Memos): Processes {
  const nodes: Node[] = [{ program: { kind: 'settle', id: '' }, history: [], sent: undefined, result: undefined }]
  const ends = new Map<string, Position>()

  async function positionOf(program: Program, history: readonly Reply[]): Promise<Position> {
    const step = history.length > MAX_REPLIES ? ENDLESS : await advance(program, history)
    if ('message' in step) {
      const sent = { id: messages.id(encode(step.message)), message: step.message, read: isRead(step.message) }
      return nodes.push({ program, history, sent, result: undefined }) - 1
    }
    if (program.kind === 'settle') return IDLE
    const end = encode([program.id, step.result])
    const known = ends.get(end) ?? nodes.push({ program, history: [], sent: undefined, result: step.result }) - 1
    ends.set(end, known)
    return known
  }

  const receive = memo.of(key => {
    const [at, reply] = unpaired(key)
    const { program, history } = nodeAt(at)
    return positionOf(program, [...history, replyOf(reply)])
  })
  const nodeAt = (at: Position): Node => {
    const node = nodes[at]
    if (!node) throw new Error(`No process is at position ${at}.`)
    return node
  }
  return {
    start: program => positionOf(program, []),
    receive: (at, reply) => receive(pair(at, reply)),
    sends: at => nodeAt(at).sent,
    result: at => nodeAt(at).result,
  }
}
