import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { createSite, type Site } from '../support/site.ts'
import { PROGRAM } from '../support/workers.ts'
import { checker } from './check-histories.ts'
import { type History, histories } from './history.ts'
import { builtWithout, MUTANTS } from './mutants.ts'

// `npm run test:soak` plays as many as DSCTL_SOAK_RUNS says. One that fails is printed with its seed and path, with which
// DSCTL_SOAK_SEED and DSCTL_SOAK_PATH play it again. DSCTL_SOAK_MUTANTS says how many may be tried to find each mutant.

const { DSCTL_SOAK_RUNS, DSCTL_SOAK_SEED, DSCTL_SOAK_PATH, DSCTL_SOAK_MUTANTS } = process.env
const RUNS = Number(DSCTL_SOAK_RUNS ?? 50)
const SEED = Number(DSCTL_SOAK_SEED ?? Date.now() % 2 ** 31)
const HOURS = 24 * 3_600_000

describe.runIf(REAL_POSTGRES)('Random histories', () => {
  let site: Site
  beforeAll(async () => {
    site = await createSite()
  })
  afterAll(() => site?.drop())

  async function checked(program: string): Promise<(history: History) => Promise<void>> {
    const { check, close } = await checker(site, program)
    onTestFinished(close)
    return check
  }

  test(`end as some order of what happened would, ${RUNS} of them from seed ${SEED}`, { timeout: HOURS }, async () => {
    const how = { numRuns: RUNS, seed: SEED, ...(DSCTL_SOAK_PATH && { path: DSCTL_SOAK_PATH }) }
    const tried = await fc.check(fc.asyncProperty(histories, await checked(PROGRAM)), how)
    expect(tried.failed, report(tried)).toBe(false)
  })

  describe('tell that the program lacks', () => {
    test.each(MUTANTS)('$rule', async mutant => {
      const check = await checked(await builtWithout(mutant, temporaryFolder()))
      await expect(check(mutant.history)).rejects.toThrow()
    })

    test('nothing in those same histories', async () => {
      const check = await checked(PROGRAM)
      for (const { history } of MUTANTS) await check(history)
    })
  })

  const hunt = DSCTL_SOAK_MUTANTS ? describe : () => {}
  hunt('find, whatever they are,', () => {
    test.each(MUTANTS)('$rule', { timeout: HOURS }, async mutant => {
      const check = await checked(await builtWithout(mutant, temporaryFolder()))
      const how = { numRuns: Number(DSCTL_SOAK_MUTANTS), seed: SEED, endOnFailure: true }
      const tried = await fc.check(fc.asyncProperty(histories, check), how)
      process.stdout.write(`${mutant.rule}: ${tried.failed ? 'found by' : 'not found by'} history ${tried.numRuns}\n`)
      expect(tried.failed).toBe(true)
    })
  })
})

function report(tried: fc.RunDetails<[History]>): string {
  return `${tried.errorInstance instanceof Error ? tried.errorInstance.message : ''}\n${fc.defaultReportMessage(tried)}`
}
