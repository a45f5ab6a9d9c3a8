import { endlessState, type Graph } from './graph.ts'

export interface SearchResult {
  readonly states: number
  /** Steps between states. Every schedule within the bounds is a path of them. */
  readonly steps: number
  /** The first violation, if any, and the shortest path to it. */
  readonly violation: string | undefined
  readonly trace: readonly string[]
}

/** The steps from a state, and what must not happen. Unknown values are computed, and the call repeated. */
export interface Rules<S> {
  readonly next: (state: S, add: (to: S, describe: () => string) => void) => void
  /** Empty if nothing is wrong. Undefined if unknown yet. */
  readonly violation: (state: S) => string | undefined
  readonly keyOf: (state: S) => string
  readonly computed: () => Promise<boolean>
}

/** More than a scenario should need: a mistake in the bounds must not exhaust the memory. */
const MAX_STATES = 2_000_000

/** Visits all states, breadth first, up to the first violation. The path to it is a shortest one. */
export async function walk<S>(seen: Graph<S>, rules: Rules<S>): Promise<SearchResult> {
  const known = async <T>(lookUp: () => T): Promise<T> => {
    for (;;) {
      const answer = lookUp()
      if (!(await rules.computed())) return answer
    }
  }
  const successors = (state: S) =>
    known(() => {
      const list: { to: S; describe: () => string }[] = []
      rules.next(state, (to, describe) => void list.push({ to, describe }))
      return list
    })
  const result = async (at: number, violation: string): Promise<SearchResult> => {
    const trace: string[] = []
    for (const [from, to] of seen.path(at)) {
      const key = rules.keyOf(seen.state(to))
      const step = (await successors(seen.state(from))).find(found => rules.keyOf(found.to) === key)
      trace.push(step?.describe() ?? '?')
    }
    return { states: seen.size(), steps: seen.steps(), violation, trace }
  }
  for (let at = 0; at < seen.size(); at++) {
    if (seen.size() > MAX_STATES) return result(at, `more than ${MAX_STATES} states: lower the bounds`)
    const state = seen.state(at)
    const violation = await known(() => rules.violation(state))
    if (violation) return result(at, violation)
    for (const { to } of await successors(state)) seen.add(at, to)
  }
  const endless = endlessState(seen)
  if (endless !== undefined) return result(endless, 'processes that never end')
  return { states: seen.size(), steps: seen.steps(), violation: undefined, trace: [] }
}
