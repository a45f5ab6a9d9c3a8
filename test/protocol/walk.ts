import { endlessState, type Graph } from './graph.ts'

export interface Found {
  readonly states: number
  /** Steps from one state to another: every schedule within the bounds is a path of them. */
  readonly steps: number
  /** The first violation, undefined where there is none, and the shortest way that led to it. */
  readonly wrong: string | undefined
  readonly trace: readonly string[]
}

/** What leads from state to state, and what must not be. What is not known yet is computed, and asked for again. */
export interface Rules<S> {
  readonly next: (state: S, add: (to: S, how: () => string) => void) => void
  /** Undefined where it is not known yet; '' where nothing is wrong. */
  readonly violation: (state: S) => string | undefined
  readonly keyOf: (state: S) => string
  readonly computed: () => Promise<boolean>
}

/** More than a scenario should need, so that a mistake ends before memory does. */
const MOST_STATES = 2_000_000

/** Goes through all states, breadth first, until one is wrong; the way to that is then a shortest one. */
export async function walk<S>(seen: Graph<S>, rules: Rules<S>): Promise<Found> {
  const known = async <T>(ask: () => T): Promise<T> => {
    for (;;) {
      const answer = ask()
      if (!(await rules.computed())) return answer
    }
  }
  const successors = (state: S) =>
    known(() => {
      const list: { to: S; how: () => string }[] = []
      rules.next(state, (to, how) => void list.push({ to, how }))
      return list
    })
  const result = async (at: number, wrong: string): Promise<Found> => {
    const trace: string[] = []
    for (const [from, to] of seen.path(at)) {
      const key = rules.keyOf(seen.state(to))
      const step = (await successors(seen.state(from))).find(found => rules.keyOf(found.to) === key)
      trace.push(step?.how() ?? '?')
    }
    return { states: seen.size(), steps: seen.steps(), wrong, trace }
  }
  for (let at = 0; at < seen.size(); at++) {
    if (seen.size() > MOST_STATES) return result(at, `more than ${MOST_STATES} states: lower the bounds`)
    const state = seen.state(at)
    const wrong = await known(() => rules.violation(state))
    if (wrong) return result(at, wrong)
    for (const { to } of await successors(state)) seen.add(at, to)
  }
  const endless = endlessState(seen)
  if (endless !== undefined) return result(endless, 'processes that go round for ever')
  return { states: seen.size(), steps: seen.steps(), wrong: undefined, trace: [] }
}
