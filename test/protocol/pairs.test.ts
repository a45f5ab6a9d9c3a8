import { afterAll, describe, test } from 'vitest'
import { PAIRS } from './scenarios.ts'
import { searches } from './searches.ts'

describe('two operations at once, through every schedule within the bounds, leave both stores right and tell no lie', () => {
  const { run, report } = searches()
  afterAll(report)
  test.for(Object.entries(PAIRS))('%s', { timeout: 300_000 }, ([, scenarios]) => run(scenarios))
})
