import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { DsctlError } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import type { StoredTestOptions } from '../operations/test-connection.ts'
import { testMany } from '../operations/test-many.ts'
import { unsavedRequest } from '../requests/create-request.ts'
import { allowFrom, fileOption, typeOption } from '../requests/field-options.ts'
import { testRequest } from '../requests/test-request.ts'
import { checkSelection, selected } from '../requests/test-selection.ts'
import { answerHasNo } from '../requests/unsupported-format.ts'
import { acceptingHostKeys } from '../requests/wizard/accept-host-key.ts'
import { withProgress } from '../terminal/progress.ts'
import { type TestResultJson, testResult, testResultsView } from '../views/test-results.ts'

/** `dsctl test [REF...]`. */
export function define(command: Command, context: Context): void {
  command
    .argument('[ref...]', 'the UUIDs or names of data sources')
    .option('--all', 'every data source, or with --env those of it')
    .addOption(typeOption('every one of this type'))
    .addOption(fileOption('what a request in JSON or YAML would create; - for standard input'))
    .option('--onboard', 'move the onboarding status along: completed if it connects, else failed')
    .option('--accept-host-key', 'take the key of a jump host that has none stored as the right one, and store it')
    .addOption(allowFrom())
    .addHelpText('after', EXAMPLES)
    .action((refs: string[]) => run(context, refs))
}

async function run(context: Context, refs: readonly string[]): Promise<void> {
  checkSelection(context, refs)
  if (context.flags.file !== undefined) answerHasNo(context, 'id')
  const outcomes = context.flags.file === undefined ? await runStored(context, refs) : [await runFile(context)]
  const failed = outcomes.filter(({ ok }) => !ok).length
  await context.print(testResultsView(outcomes))
  if (failed) throw new DsctlError('unhealthy', `${failed} of ${outcomes.length} did not connect.`)
}

async function runFile(context: Context): Promise<TestResultJson> {
  const request = await unsavedRequest(context, context.flags)
  const work = () => testRequest(context, request)
  const { verdict } = await withProgress(context.streams, `Testing ${request.name}`, work)
  return testResult({ id: null, name: request.name, type: request.type }, verdict)
}

async function runStored(context: Context, refs: readonly string[]): Promise<readonly TestResultJson[]> {
  const stores = await context.stores(MAY.change)
  const wanted = await selected(context, stores, refs)
  const how: StoredTestOptions = {
    tester: await context.connections(),
    acceptHostKey: await acceptingHostKeys(context),
    onboarding: context.flags.onboard === true ? await context.onboarding() : undefined,
    warn: context.warn,
    unbroken: context.uninterruptible,
  }
  return withProgress(context.streams, `Testing ${wanted.length}`, async progress => {
    const tested = await testMany(stores, wanted, {
      ...how,
      told: done => progress.update(`Tested ${done} of ${wanted.length}`),
    })
    return tested.map(({ of, verdict }) => testResult(of, verdict))
  })
}

const EXAMPLES = `
Goes from stage to stage (resolve, reach, tunnel, tls, authenticate, database,
query) and stops at the first that fails. --timeout bounds each test.

Examples:
  dsctl test Sales --env production
  dsctl test --all --env production -o json
  dsctl test -f sales.json
  dsctl test Sales --onboard
`
