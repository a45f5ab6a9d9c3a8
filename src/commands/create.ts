import { type Command, Option } from 'commander'
import type { Context, Flags } from '../cli/context.ts'
import { addFieldOptions, allowFrom, fileOption, typeOption } from '../requests/field-options.ts'
import { dataSourceView } from '../views/data-source.ts'

/** `dsctl create [NAME]`. */
export function define(command: Command, context: Context, args: readonly string[]): void {
  command
    .argument('[name]', 'the name of the data source')
    .addOption(typeOption('its type: dsctl types lists them'))
    .addOption(fileOption('a request in JSON or YAML; - for standard input'))
    .option('--template <name>', 'what gives the rest: dsctl template list')
    .addOption(
      new Option('--if-exists <do>', 'where the name is taken').choices(['fail', 'skip', 'update']).default('fail'),
    )
    .option('--verify', 'test the connection first, and write nothing unless it passes')
    .option('--accept-host-key', 'with --verify: take and store the key of a jump host that has none stored')
    .option('--dry-run', 'check everything and write nothing')
    .addOption(allowFrom())
  addFieldOptions(command, args)
  command.addHelpText('after', EXAMPLES).action((name: string | undefined) => run(context, name))
}

async function run(context: Context, name: string | undefined): Promise<void> {
  const { flags } = context
  context.readOnlyUntilCommit()
  const [{ createFrom }, { createIfAbsent, checkMayCreate }] = await Promise.all([
    import('../requests/create-request.ts'),
    import('../operations/create-if-absent.ts'),
  ])
  const { MAY } = await import('../operations/authorize.ts')
  const testing = await (await import('../requests/verify-option.ts')).verifying(context)
  const how = { ifExists: ifExists(flags), dryRun: flags.dryRun === true, testing }
  const { action, ...answer } = await createFrom(context, name, {
    permit: async asked => checkMayCreate(await context.stores(MAY.change), asked, how),
    save: async request => {
      const stores = await context.stores(MAY.change)
      return context.uninterruptible(() => createIfAbsent(stores, request, how))
    },
  })
  if (action === 'created' || action === 'updated') {
    context.changed = { text: `The data source was ${action} all the same.`, id: answer.record.id }
  }
  for (const warning of answer.warnings) context.warn(warning)
  if (action === 'checked') return context.note('It can be created like this. Nothing was written.')
  if (action !== 'created') context.note(`It exists already: ${action}.`)
  await context.print(dataSourceView(answer))
}

function ifExists({ ifExists }: Flags): 'fail' | 'skip' | 'update' {
  return ifExists === 'skip' || ifExists === 'update' ? ifExists : 'fail'
}

const EXAMPLES = `
A secret's flag takes a source, never the secret: - (standard input), @FILE,
env:NAME or vault:MOUNT/PATH#FIELD.

Examples:
  dsctl create
  dsctl create Sales --env production --type postgres --host db.example.com \\
    --username app --password env:SALES_PASSWORD --default-database sales
  dsctl create -f sales.json
  dsctl create --type snowflake --help
`
