import type { Scenario } from './scenario.ts'
import { search } from './search.ts'

export interface Searches {
  /** Searches each; throws with the first violation and the schedule that leads to it. */
  run(scenarios: readonly Scenario[]): Promise<void>
  /** Prints how much was tried. */
  report(): void
}

export function searches(): Searches {
  const tried = { scenarios: 0, states: 0, steps: 0 }
  return {
    async run(scenarios) {
      for (const scenario of scenarios) {
        const { states, steps, wrong, trace } = await search(scenario)
        tried.scenarios++
        tried.states += states
        tried.steps += steps
        if (wrong) throw new Error([wrong, ...trace.map((step, n) => `${n + 1}. ${step}`)].join('\n'))
      }
    },
    report() {
      const { scenarios, states, steps } = tried
      console.info(`${scenarios} searches reached ${states} states by ${steps} steps.`)
    },
  }
}
