import { afterAll, describe, test } from 'vitest'
import { PAIRS } from './scenarios.ts'
import { searches } from './searches.ts'

describe('every schedule of two concurrent operations keeps the guarantees', () => {
  const { run, report } = searches()
  afterAll(report)
  test.for(Object.entries(PAIRS))('%s', { timeout: 300_000 }, ([, scenarios]) => run(scenarios))
})
