import { afterAll, describe, test } from 'vitest'
import { SINGLE } from './scenarios.ts'
import { searches } from './searches.ts'

describe('one operation, through every schedule within the bounds, leaves both stores right and tells no lie', () => {
  const { run, report } = searches()
  afterAll(report)
  test.for(Object.entries(SINGLE))('%s', { timeout: 300_000 }, ([, scenarios]) => run(scenarios))
})
