import type { Scenario } from './scenario.ts'
import { search } from './search.ts'

export interface Searches {
  /** Searches each scenario. Throws the first violation with the schedule that leads to it. */
  run(scenarios: readonly Scenario[]): Promise<void>
  /** Prints the size of all searches so far. */
  report(): void
}

export function searches(): Searches {
  const total = { scenarios: 0, states: 0, steps: 0 }
  return {
    async run(scenarios) {
      for (const scenario of scenarios) {
        const { states, steps, violation, trace } = await search(scenario)
        total.scenarios++
        total.states += states
        total.steps += steps
        if (violation) throw new Error([violation, ...trace.map((step, n) => `${n + 1}. ${step}`)].join('\n'))
      }
    },
    report() {
      const { scenarios, states, steps } = total
      console.info(`${scenarios} searches reached ${states} states by ${steps} steps.`)
    },
  }
}
