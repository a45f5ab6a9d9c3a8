import { describe, expect, test } from 'vitest'
import { MUTATIONS, type MutationCase } from './mutations.ts'
import { search } from './search.ts'

describe('the search finds the violation caused by', () => {
  test.for(MUTATIONS)('$rule', { timeout: 300_000 }, async mutated => {
    expect(await firstViolation(mutated)).toMatch(mutated.violation)
  })
})

async function firstViolation({ mutation, scenarios }: MutationCase): Promise<string> {
  for (const scenario of scenarios) {
    const { violation } = await search(scenario, mutation)
    if (violation) return violation
  }
  return 'no violation'
}
