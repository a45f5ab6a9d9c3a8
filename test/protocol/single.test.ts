import { afterAll, describe, test } from 'vitest'
import { SINGLE } from './scenarios.ts'
import { searches } from './searches.ts'

describe('every schedule of one operation keeps the guarantees', () => {
  const { run, report } = searches()
  afterAll(report)
  test.for(Object.entries(SINGLE))('%s', { timeout: 300_000 }, ([, scenarios]) => run(scenarios))
})
