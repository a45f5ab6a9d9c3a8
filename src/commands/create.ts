import { type Command, Option } from 'commander'
import type { Context } from '../cli/context.ts'
import { addFieldOptions } from '../cli/field-options.ts'
import { allowFromOption, allowPlaceholderOption, fileOption, typeOption } from '../cli/request-options.ts'
import { MAY } from '../operations/authorize.ts'
import type { CreateRequest } from '../operations/create.ts'
import {
  type CreateOptions,
  type CreateResult,
  checkMayCreate,
  createIfAbsent,
} from '../operations/create-if-absent.ts'
import { promptsForPlaceholders } from '../requests/allow-placeholders.ts'
import { needsPermission } from '../requests/check-sources.ts'
import {
  checkDraft,
  type DraftOptions,
  fetchCreateSecrets,
  isComplete,
  readCreateRequest,
} from '../requests/create-request.ts'
import { type SourceReaders, sourceReaders } from '../requests/fetch-secrets.ts'
import type { RequestDraft } from '../requests/validate-request.ts'
import { warnAboutName } from '../requests/warn-about-names.ts'
import { createQuestions, reviewCreate } from '../requests/wizard/create-prompts.ts'
import { editAnyField, editDraft } from '../requests/wizard/edit-prompts.ts'
import { askWhatNext, TRY_AGAIN, WIZARD_KEYS } from '../requests/wizard/retry-prompt.ts'
import type { Prompter } from '../terminal/prompter.ts'
import type { Summary } from '../terminal/review.ts'
import { dataSourceView } from '../views/data-source.ts'
import { readDraftWithTemplate } from './steps/read-draft.ts'
import { openVerification, resultFor, testRequest, type VerifyOptions } from './steps/testing.ts'

interface Options extends DraftOptions, VerifyOptions {
  readonly ifExists: 'fail' | 'skip' | 'update'
  readonly dryRun?: boolean
  readonly allowFrom?: readonly string[]
}

/** `dsctl create [NAME]`. */
export function define(command: Command, context: Context): void {
  command
    .argument('[name]', 'the name of the data source')
    .addOption(typeOption('the type; run dsctl types for a list'))
    .addOption(fileOption('a request in JSON or YAML; - for standard input'))
    .option('--template <name>', 'template for the remaining fields; run dsctl template list for a list')
    .addOption(
      new Option('--if-exists <do>', 'what to do if the name is taken')
        .choices(['fail', 'skip', 'update'])
        .default('fail'),
    )
    .option('--verify', 'test the connection first, and write nothing if it fails')
    .option('--accept-host-key', 'with --verify: accept and store an unknown jump host key')
    .option('--dry-run', 'check everything and write nothing')
    .addOption(allowFromOption())
    .addOption(allowPlaceholderOption())
  addFieldOptions(command, { secrets: true, required: true })
  command
    .addHelpText('after', EXAMPLES)
    .action((name: string | undefined, options: Options) => run(context, name, options))
}

/** The inputs that all tries to create the data source share. */
interface Attempt {
  readonly context: Context
  readonly readers: SourceReaders
  readonly options: Options
  readonly create: CreateOptions
}

async function run(context: Context, name: string | undefined, options: Options): Promise<void> {
  context.readOnlyUntilCommit()
  const { ifExists, dryRun = false } = options
  const testing = await openVerification(context, options)
  const draft = await readDraftWithTemplate(context, { name, options, action: dryRun ? undefined : 'create' })
  const attempt = { context, readers: sourceReaders(context, options), options, create: { ifExists, dryRun, testing } }
  const asked = await context.prompter()
  const prompter = asked && promptsForPlaceholders(asked, options)
  const result =
    prompter && !isComplete(draft)
      ? await createWithPrompts(attempt, prompter, draft)
      : await save(attempt, await prepare(attempt, draft))
  warnAboutName(context, draft.name ?? result.record.name)
  await printResult(context, result)
}

/** Validates the draft, checks that the create is permitted, and fetches the secrets. */
async function prepare({ context, readers, create }: Attempt, draft: RequestDraft): Promise<CreateRequest> {
  const request = readCreateRequest(draft, readers)
  if (needsPermission(request.fields))
    await checkMayCreate(await context.stores(MAY.change), { ...request, type: request.type.name }, create)
  return fetchCreateSecrets(request, readers)
}

async function save({ context, create }: Attempt, request: CreateRequest): Promise<CreateResult> {
  const stores = await context.stores(MAY.change)
  return context.uninterruptible(() => createIfAbsent(stores, request, create))
}

/** Prompts for missing values, then for a review. After a failure, the user can change a field and try again. */
async function createWithPrompts(attempt: Attempt, prompter: Prompter, given: RequestDraft): Promise<CreateResult> {
  checkDraft(given)
  prompter.tell(WIZARD_KEYS)
  const questions = createQuestions(prompter, given)
  let draft = await questions.ask()
  let result: Summary['result']
  for (;;) {
    try {
      const request = await prepare(attempt, draft)
      const decision = await reviewCreate(prompter, request, result)
      result = undefined
      if (decision.kind === 'back') draft = await questions.askAgain(draft)
      else if (decision.kind === 'edit') draft = await editDraft(prompter, draft, decision.field)
      else if (decision.kind === 'test') ({ draft, result } = await test(attempt, request, draft))
      else return await save(attempt, request)
    } catch (error) {
      const choices = [TRY_AGAIN, { value: 'edit', name: 'Change a field' }] as const
      const next = await askWhatNext(prompter, error, choices)
      if (next === 'edit') draft = await editAnyField(prompter, draft)
    }
  }
}

interface Tested {
  /** The draft, including the jump host's key if the user accepted it. */
  readonly draft: RequestDraft
  readonly result: Summary['result']
}

async function test({ context, options }: Attempt, request: CreateRequest, draft: RequestDraft): Promise<Tested> {
  const { verdict, acceptedHostKey } = await testRequest(context, request, options)
  const result = resultFor(verdict)
  if (acceptedHostKey === undefined) return { draft, result }
  return { draft: { ...draft, fields: { ...draft.fields, ssh_host_key: acceptedHostKey } }, result }
}

async function printResult(context: Context, { action, ...result }: CreateResult): Promise<void> {
  if (action === 'created' || action === 'updated') {
    context.changed = { text: `The data source was ${action}.`, id: result.record.id }
  }
  for (const warning of result.warnings) context.warn(warning)
  if (action === 'checked') return context.note('Valid. Dry run: nothing was written.')
  if (action !== 'created') context.note(`Already exists: ${action}.`)
  await context.print(dataSourceView(result))
}

const EXAMPLES = `
An option for a secret takes a source, not the secret itself:
- (standard input), @FILE, env:NAME or vault:MOUNT/PATH#FIELD.

Examples:
  dsctl create
  dsctl create Sales --env production --type postgres --host db.example.com \\
    --username app --password env:SALES_PASSWORD --default-database sales
  dsctl create -f sales.json
  dsctl create --type snowflake --help
`
