import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/run.ts'
import { REAL_POSTGRES } from '../support/servers.ts'
import { createSite, type Site } from '../support/site.ts'
import { PROGRAM } from '../support/workers.ts'
import { buildMutant } from './build-mutant.ts'
import { createChecker } from './checker.ts'
import { type History, histories } from './history.ts'
import { MUTANTS } from './mutants.ts'

// DSCTL_SOAK_RUNS is the number of random histories. A failure prints its seed and path; DSCTL_SOAK_SEED and
// DSCTL_SOAK_PATH run that history again. DSCTL_SOAK_MUTANTS is the number of random histories in which each mutant must
// be found; without it, a mutant runs only the history that was written for it.

const { DSCTL_SOAK_RUNS, DSCTL_SOAK_SEED, DSCTL_SOAK_PATH, DSCTL_SOAK_MUTANTS } = process.env
const RUNS = Number(DSCTL_SOAK_RUNS ?? 50)
const SEED = Number(DSCTL_SOAK_SEED ?? Date.now() % 2 ** 31)
const NO_LIMIT = 24 * 3_600_000
const NAMED_MUTANTS = MUTANTS.map(mutant => [mutant.rule, mutant] as const)

describe.runIf(REAL_POSTGRES)('Random histories', () => {
  let site: Site
  beforeAll(async () => {
    site = await createSite()
  })
  afterAll(() => site?.drop())

  async function checkOf(program: string): Promise<(history: History) => Promise<void>> {
    const { check, close } = await createChecker(site, program)
    onTestFinished(close)
    return check
  }

  test(`are linearizable: ${RUNS} of them, seed ${SEED}`, { timeout: NO_LIMIT }, async () => {
    const parameters = { numRuns: RUNS, seed: SEED, ...(DSCTL_SOAK_PATH && { path: DSCTL_SOAK_PATH }) }
    const details = await fc.check(fc.asyncProperty(histories, await checkOf(PROGRAM)), parameters)
    expect(details.failed, report(details)).toBe(false)
  })

  describe('a written history finds the mutant', () => {
    test.each(NAMED_MUTANTS)('%s', async (_, mutant) => {
      const check = await checkOf(await buildMutant(mutant, temporaryFolder()))
      await expect(check(mutant.history)).rejects.toThrow()
    })

    test('and finds nothing in the program itself', async () => {
      const check = await checkOf(PROGRAM)
      for (const { history } of MUTANTS) await check(history)
    })
  })

  const search = DSCTL_SOAK_MUTANTS ? describe : () => {}
  search('random histories find the mutant', () => {
    test.each(NAMED_MUTANTS)('%s', { timeout: NO_LIMIT }, async (_, mutant) => {
      const check = await checkOf(await buildMutant(mutant, temporaryFolder()))
      const parameters = { numRuns: Number(DSCTL_SOAK_MUTANTS), seed: SEED, endOnFailure: true }
      const details = await fc.check(fc.asyncProperty(histories, check), parameters)
      const found = details.failed ? 'found by' : 'not found by'
      process.stdout.write(`${mutant.rule}: ${found} history ${details.numRuns}\n`)
      expect(details.failed).toBe(true)
    })
  })
})

function report(details: fc.RunDetails<[History]>): string {
  const { errorInstance } = details
  return `${errorInstance instanceof Error ? errorInstance.message : ''}\n${fc.defaultReportMessage(details)}`
}
