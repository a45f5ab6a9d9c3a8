import { describe, expect, test } from 'vitest'
import { MUTATIONS, type MutationCase } from './mutations.ts'
import { search } from './search.ts'

describe('the search finds what goes wrong with', () => {
  test.for(MUTATIONS)('$rule', { timeout: 300_000 }, async mutated => {
    expect(await firstViolation(mutated)).toMatch(mutated.shows)
  })
})

async function firstViolation({ mutation, scenarios }: MutationCase): Promise<string> {
  for (const scenario of scenarios) {
    const { wrong } = await search(scenario, mutation)
    if (wrong) return wrong
  }
  return 'nothing'
}
