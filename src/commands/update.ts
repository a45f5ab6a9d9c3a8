import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { MAY } from '../operations/authorize.ts'
import { getRecord } from '../operations/get-record.ts'
import { previewUpdate } from '../operations/preview-update.ts'
import { update } from '../operations/update.ts'
import { updateVerified } from '../operations/verify.ts'
import { addFieldOptions, allowFrom, fileOption, typeOption, unsetOption } from '../requests/field-options.ts'
import { isEmpty, updateRequest } from '../requests/update-request.ts'
import { verifying } from '../requests/verify-option.ts'
import { insist } from '../requests/wizard/retry-prompt.ts'
import { askForChanges } from '../requests/wizard/update-prompts.ts'
import { dataSourceView } from '../views/data-source.ts'

/** `dsctl update REF`. */
export function define(command: Command, context: Context, args: readonly string[]): void {
  command
    .argument('<ref>', 'the UUID or the name of a data source')
    .option('--set-name <name>', 'a new name')
    .option('--set-env <env>', 'a new env (--env only selects)')
    .addOption(fileOption('a request, or an edited answer of get; - for standard input'))
    .addOption(unsetOption())
    .option('--verify', 'test the connection first, and write nothing unless it passes')
    .option('--accept-host-key', 'with --verify: take and store the key of a jump host that has none stored')
    .addOption(typeOption('with --help, show the fields of this type alone: a type cannot be changed'))
    .option('--dry-run', 'check everything and write nothing')
    .addOption(allowFrom())
  addFieldOptions(command, args)
  command.addHelpText('after', EXAMPLES).action((ref: string) => run(context, ref))
}

async function run(context: Context, text: string): Promise<void> {
  const ref = { text, env: context.settings().get('env') }
  const preview = context.flags.dryRun === true
  context.readOnlyUntilCommit()
  const audit = preview ? undefined : 'refused update'
  const find = async () => getRecord(await context.stores(MAY.change), ref, audit)
  const given = await updateRequest(context, ref, find)
  const stores = await context.stores(MAY.change)
  const asks = isEmpty(given)
  const request = asks ? await askForChanges(context, stores, given) : given
  const readBack = !['name', 'id'].includes(context.settings().get('output') ?? '')
  const testing = await verifying(context)
  const save = () =>
    context.uninterruptible(() => {
      if (testing) return updateVerified(stores, request, { testing, preview, readBack })
      return preview ? previewUpdate(stores, request) : update(stores, request, { readBack })
    })
  const answer = await (asks ? insist(context, save) : save())
  for (const warning of answer.warnings) context.warn(warning)
  const { changed } = answer
  if (changed.length && !preview) {
    context.changed = { text: 'The data source was changed all the same.', id: answer.record.id }
  }
  if (changed.length === 0) context.note('Nothing changed: it is so already.')
  else context.note(`${preview ? 'Would change' : 'Changed'}: ${changed.join(', ')}.`)
  await context.print(dataSourceView(answer))
}

const EXAMPLES = `
What is left out stays as it is. A secret's flag takes a source, never the
secret: - (standard input), @FILE, env:NAME or vault:MOUNT/PATH#FIELD.

Examples:
  dsctl update Sales --host db2.example.com
  dsctl update Sales --password - < password.txt
  dsctl update Sales --unset default_schema --set-name "Sales EU"
  dsctl get Sales -o json > sales.json    # edit it, and then:
  dsctl update Sales -f sales.json
`
