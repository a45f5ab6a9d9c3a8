import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { addFieldOptions } from '../cli/field-options.ts'
import { allowFromOption, allowPlaceholderOption, fileOption, typeOption, unsetOption } from '../cli/request-options.ts'
import { invalid } from '../domain/errors.ts'
import { MAY } from '../operations/authorize.ts'
import { getForUpdate } from '../operations/get.ts'
import { getRecord } from '../operations/get-record.ts'
import { previewUpdate } from '../operations/preview-update.ts'
import type { Stores } from '../operations/stores.ts'
import type { TestOptions } from '../operations/test-connection.ts'
import { testUpdate } from '../operations/test-unsaved.ts'
import { update } from '../operations/update.ts'
import type { UpdateRequest, UpdateResult } from '../operations/update-request.ts'
import { updateVerified } from '../operations/verify.ts'
import { promptsForPlaceholders } from '../requests/allow-placeholders.ts'
import { hasSources } from '../requests/check-sources.ts'
import { sourceReaders } from '../requests/fetch-secrets.ts'
import {
  fetchUpdateSecrets,
  isEmpty,
  readUpdateRequest,
  type UpdateRequestOptions,
} from '../requests/update-request.ts'
import { askWhatNext, saveWithRetries, WIZARD_KEYS } from '../requests/wizard/retry-prompt.ts'
import { reviewUpdate, updateQuestions } from '../requests/wizard/update-prompts.ts'
import type { FieldAnswers } from '../terminal/ask-fields.ts'
import type { Prompter } from '../terminal/prompter.ts'
import type { Summary } from '../terminal/review.ts'
import { dataSourceView } from '../views/data-source.ts'
import { openTesting, openVerification, resultFor, type VerifyOptions } from './steps/testing.ts'

interface Options extends UpdateRequestOptions, VerifyOptions {
  readonly dryRun?: boolean
  readonly allowFrom?: readonly string[]
}

/** `dsctl update REF`. */
export function define(command: Command, context: Context): void {
  command
    .argument('<ref>', 'the UUID or the name of a data source')
    .option('--set-name <name>', 'a new name')
    .option('--set-env <env>', 'a new env (--env only selects the data source)')
    .addOption(fileOption('a request, or an edited output of get; - for standard input'))
    .addOption(unsetOption())
    .option('--verify', 'test the connection first, and write nothing if it fails')
    .option('--accept-host-key', 'with --verify: accept and store an unknown jump host key')
    .addOption(
      typeOption('only for --help: show the fields of this type (the type of a data source cannot be changed)'),
    )
    .option('--dry-run', 'check everything and write nothing')
    .addOption(allowFromOption())
    .addOption(allowPlaceholderOption())
  addFieldOptions(command, { secrets: true, required: false })
  command.addHelpText('after', EXAMPLES).action((ref: string, options: Options) => run(context, ref, options))
}

async function run(context: Context, text: string, options: Options): Promise<void> {
  context.readOnlyUntilCommit()
  const ref = { text, env: context.settings().get('env') }
  const given = await readUpdateRequest(context, ref, options)
  const stores = await context.stores(MAY.change)
  const prompts = isEmpty(given)
  const request = prompts
    ? await promptForUpdate({ context, stores, options }, given)
    : await fetchSecrets({ context, stores, options }, given)
  const testing = await openVerification(context, options)
  const readBack = !['name', 'id'].includes(context.settings().get('output') ?? '')
  const saveOptions = { testing, preview: options.dryRun === true, readBack }
  const save = () => context.uninterruptible(() => saveUpdate(stores, request, saveOptions))
  const result = prompts ? await saveWithRetries(await context.prompter(), save) : await save()
  await printResult(context, result, options)
}

interface Update {
  readonly context: Context
  readonly stores: Stores
  readonly options: Options
}

async function fetchSecrets({ context, stores, options }: Update, request: UpdateRequest): Promise<UpdateRequest> {
  if (!hasSources(request.fields)) return request
  const record = await getRecord(stores, request.ref, options.dryRun ? undefined : 'refused update')
  const path = stores.secrets.pathOf(record)
  return fetchUpdateSecrets(request, { record, path }, sourceReaders(context, options))
}

interface SaveOptions {
  readonly testing: TestOptions | undefined
  readonly preview: boolean
  /** Whether the output shows the credentials. */
  readonly readBack: boolean
}

function saveUpdate(stores: Stores, request: UpdateRequest, options: SaveOptions): Promise<UpdateResult> {
  const { testing, preview, readBack } = options
  if (testing) return updateVerified(stores, request, { testing, preview, readBack })
  return preview ? previewUpdate(stores, request) : update(stores, request, { readBack })
}

/** Prompts for the fields to change, then for a review. Throws `invalid` if prompts are off. */
async function promptForUpdate({ context, stores, options }: Update, request: UpdateRequest): Promise<UpdateRequest> {
  const asked = await context.prompter()
  if (!asked)
    throw invalid('Nothing to update.', [], 'Pass what to change, for example --host HOST or --set-name NAME.')
  const prompter = promptsForPlaceholders(asked, options)
  const current = await getForUpdate(stores, request.ref)
  const withFields = (fields: FieldAnswers) => ({
    ...request,
    ref: { text: current.record.id, env: undefined },
    fields,
  })
  prompter.tell(WIZARD_KEYS)
  const questions = updateQuestions(prompter, current)
  let changes = await questions.ask()
  let result: Summary['result']
  while (Object.keys(changes).length > 0) {
    const decision = await reviewUpdate(prompter, current, { changes, result })
    result = undefined
    if (decision.kind === 'back') changes = await questions.askAgain(changes)
    else if (decision.kind === 'edit') changes = await questions.edit(changes, decision.field)
    else if (decision.kind === 'test') {
      const tested = await test({ context, stores, options }, prompter, withFields(changes))
      changes = { ...changes, ...tested.accepted }
      result = tested.result
    } else return withFields(changes)
  }
  return request
}

interface Tested {
  /** The jump host's key if the user accepted it. */
  readonly accepted: FieldAnswers
  readonly result: Summary['result']
}

/** Tests the connection with the changes. */
async function test({ context, stores, options }: Update, prompter: Prompter, changes: UpdateRequest): Promise<Tested> {
  try {
    const testing = await openTesting(context, options)
    const { verdict, acceptedHostKey } = await testUpdate(stores, changes, { ...testing, warn: context.warn })
    const accepted = acceptedHostKey === undefined ? {} : { ssh_host_key: acceptedHostKey }
    return { accepted, result: resultFor(verdict) }
  } catch (error) {
    await askWhatNext(prompter, error, [{ value: 'continue', name: 'Continue' }])
    return { accepted: {}, result: undefined }
  }
}

async function printResult(context: Context, result: UpdateResult, { dryRun }: Options): Promise<void> {
  const { changed, warnings, record } = result
  for (const warning of warnings) context.warn(warning)
  if (changed.length && !dryRun) context.changed = { text: 'The data source was changed.', id: record.id }
  if (changed.length === 0) context.note('No changes: already up to date.')
  else context.note(`${dryRun ? 'Would change' : 'Changed'}: ${changed.join(', ')}.`)
  await context.print(dataSourceView(result))
}

const EXAMPLES = `
Fields that are not given keep their values. An option for a secret takes a
source, not the secret itself: - (standard input), @FILE, env:NAME or
vault:MOUNT/PATH#FIELD.

Examples:
  dsctl update Sales --host db2.example.com
  dsctl update Sales --password - < password.txt
  dsctl update Sales --unset default_schema --set-name "Sales EU"
  dsctl get Sales -o json > sales.json    # edit it, and then:
  dsctl update Sales -f sales.json
`
