import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { acceptSeveralEnvs } from '../cli/repeatable.ts'
import { allowFromOption, allowPlaceholderOption, fileOption, typesOption } from '../cli/request-options.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { DsctlError } from '../domain/errors.ts'
import type { OutputFormat } from '../domain/output-format.ts'
import { MAY } from '../operations/authorize.ts'
import type { Stores } from '../operations/stores.ts'
import { listToTest, testMany } from '../operations/test-many.ts'
import { checkMayTest } from '../operations/test-unsaved.ts'
import type { Ref } from '../ports/lookup.ts'
import { needsPermission } from '../requests/check-sources.ts'
import { fetchCreateSecrets, readCreateRequest } from '../requests/create-request.ts'
import { sourceReaders } from '../requests/fetch-secrets.ts'
import { givenEnvs } from '../requests/selected-envs.ts'
import { checkSelection, type SelectionOptions } from '../requests/test-selection.ts'
import { withProgress } from '../terminal/progress.ts'
import { type TestResultJson, testResult, testResultsView } from '../views/test-results.ts'
import { readDraftWithTemplate } from './steps/read-draft.ts'
import { noteEnvOfSettings, readFilter } from './steps/select.ts'
import { openTesting, testRequest } from './steps/testing.ts'

interface Options extends SelectionOptions {
  readonly acceptHostKey?: boolean
  readonly allowFrom?: readonly string[]
  readonly allowPlaceholder?: boolean
}

/** `dsctl test [REF...]`. */
export function define(command: Command, context: Context): void {
  acceptSeveralEnvs(command)
  command
    .argument('[ref...]', 'the UUIDs or names of data sources')
    .option('--all', 'test all data sources, or all in --env')
    .addOption(typesOption('test all data sources of this type'))
    .addOption(fileOption('test a request in JSON or YAML without saving it; - for standard input'))
    .option('--onboard', 'update the onboarding status: completed if the test passes, otherwise failed')
    .option('--accept-host-key', 'accept and store unknown jump host keys')
    .addOption(allowFromOption())
    .addOption(allowPlaceholderOption())
    .addHelpText('after', EXAMPLES)
    .action((refs: string[], options: Options) => run(context, refs, options))
}

async function run(context: Context, refs: readonly string[], options: Options): Promise<void> {
  checkSelection(refs, { ...options, envs: givenEnvs(context) })
  if (options.file === undefined) return print(context, await testStored(context, refs, options))
  const format = formatWithout(context, 'id')
  await print(context, [await testFile(context, options.file, options)], format)
}

async function print(context: Context, outcomes: readonly TestResultJson[], format?: OutputFormat): Promise<void> {
  await context.print(testResultsView(outcomes), format)
  const failed = outcomes.filter(({ ok }) => !ok).length
  if (failed) throw new DsctlError('unhealthy', `${failed} of ${outcomes.length} did not connect.`)
}

async function testFile(
  context: Context,
  file: string,
  { allowFrom, allowPlaceholder, ...options }: Options,
): Promise<TestResultJson> {
  const draft = await readDraftWithTemplate(context, {
    name: undefined,
    options: { file, allowPlaceholder },
    action: 'test',
  })
  const readers = sourceReaders(context, { file, allowFrom, allowPlaceholder })
  const valid = readCreateRequest({ ...draft, name: draft.name ?? file, env: draft.env ?? 'none' }, readers)
  if (needsPermission(valid.fields)) await checkMayTest(await context.records(MAY.change), valid)
  const request = await fetchCreateSecrets(valid, readers)
  const { verdict } = await withProgress(context.streams, `Testing ${request.name}`, () =>
    testRequest(context, request, options),
  )
  return testResult({ id: null, name: request.name, type: request.type }, verdict)
}

async function testStored(
  context: Context,
  refs: readonly string[],
  options: Options,
): Promise<readonly TestResultJson[]> {
  const stores = await context.stores(MAY.change)
  const selected = await select({ context, stores }, refs, options)
  const testing = {
    ...(await openTesting(context, options)),
    onboarding: options.onboard ? await context.onboarding() : undefined,
    warn: context.warn,
    uninterruptible: context.uninterruptible,
  }
  return withProgress(context.streams, `Testing ${selected.length}`, async progress => {
    const onProgress = (done: number) => progress.update(`Tested ${done} of ${selected.length}`)
    const tested = await testMany(stores, selected, { ...testing, onProgress })
    return tested.map(({ source, verdict }) => testResult(source, verdict))
  })
}

async function select(
  { context, stores }: { context: Context; stores: Stores },
  refs: readonly string[],
  { type }: Options,
): Promise<readonly Ref[]> {
  if (refs.length === 0) {
    noteEnvOfSettings(context)
    return listToTest(stores, readFilter(context, type))
  }
  const env = context.settings().get('env')
  // Two tests of one data source would conflict over its onboarding status.
  return [...new Set(refs)].map(text => ({ text, env }))
}

const EXAMPLES = `
Tests in stages (resolve, reach, tunnel, tls, authenticate, database, query) and
stops at the first that fails. --timeout limits each test. Without REF,
--type and --env can be repeated. A data source then matches if it has any of
the values.

Examples:
  dsctl test Sales --env production
  dsctl test --all --env production -o json
  dsctl test -f sales.json
  dsctl test Sales --onboard
`
