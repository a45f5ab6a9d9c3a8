/** The states reached so far, each with the state from which it was first reached, and all steps between them. */
export interface Graph<S> {
  add(from: number, to: S): void
  state(at: number): S
  size(): number
  steps(): number
  /** The steps of a shortest path to a state. */
  path(at: number): [number, number][]
  eachStep(run: (from: number, to: number) => void): void
}

const CHUNK = 0x100000

export function graph<S>(first: S, keyOf: (state: S) => string): Graph<S> {
  const seen = new Map([[keyOf(first), 0]])
  const states = [first]
  const parents = [-1]
  const chunks: Int32Array[] = []
  let count = 0
  const record = (from: number, to: number) => {
    if (count % CHUNK === 0) chunks.push(new Int32Array(2 * CHUNK))
    chunks.at(-1)?.set([from, to], (count % CHUNK) * 2)
    count++
  }
  return {
    add(from, to) {
      const key = keyOf(to)
      const known = seen.get(key) ?? states.push(to) - 1
      if (known === parents.length) {
        seen.set(key, known)
        parents.push(from)
      }
      record(from, known)
    },
    state: at => states[at] as S,
    size: () => states.length,
    steps: () => count,
    path(at) {
      const path: [number, number][] = []
      for (let to = at, from = parents[to] ?? -1; from >= 0; to = from, from = parents[to] ?? -1)
        path.unshift([from, to])
      return path
    },
    eachStep(run) {
      for (let k = 0; k < count; k++) {
        const chunk = chunks[Math.floor(k / CHUNK)]
        const at = (k % CHUNK) * 2
        run(chunk?.[at] ?? 0, chunk?.[at + 1] ?? 0)
      }
    },
  }
}

/** A state on a cycle, if there is one: removes states without incoming steps until none is left. */
export function endlessState({ size, steps, eachStep }: Graph<unknown>): number | undefined {
  const degree = new Int32Array(size())
  const begin = new Int32Array(size() + 1)
  const to = new Int32Array(steps())
  eachStep((a, b) => {
    degree[b] = at(degree, b) + 1
    begin[a + 1] = at(begin, a + 1) + 1
  })
  for (let k = 0; k < size(); k++) begin[k + 1] = at(begin, k + 1) + at(begin, k)
  const fill = begin.slice()
  eachStep((a, b) => {
    to[at(fill, a)] = b
    fill[a] = at(fill, a) + 1
  })
  const ready = [0]
  let taken = 0
  for (let node = ready.pop(); node !== undefined; node = ready.pop(), taken++) {
    for (let edge = at(begin, node); edge < at(begin, node + 1); edge++) {
      const target = at(to, edge)
      degree[target] = at(degree, target) - 1
      if (degree[target] === 0) ready.push(target)
    }
  }
  return taken < size() ? degree.findIndex(n => n > 0) : undefined
}

function at(array: Int32Array, index: number): number {
  return array[index] ?? 0
}
