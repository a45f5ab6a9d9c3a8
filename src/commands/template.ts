import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { addFieldOptions } from '../cli/field-options.ts'
import { typeOption } from '../cli/request-options.ts'
import { formatWithout } from '../cli/unsupported-format.ts'
import { MAY } from '../operations/authorize.ts'
import { deleteTemplate, getTemplate, listTemplates, setTemplate } from '../operations/template.ts'
import { readTemplate } from '../requests/template-request.ts'
import { warnAboutName } from '../requests/warn-about-names.ts'
import { templatesView, templateView } from '../views/template.ts'

/** `readTemplate` reads the options of the fields. */
interface SetOptions {
  readonly type: string
}

/** `dsctl template list|get|set|delete`. */
export function define(command: Command, context: Context): void {
  const sub = (name: string, summary: string) =>
    command.command(name).summary(summary).description(summary).copyInheritedSettings(command)
  sub('list', 'list the templates of the organization').action(() => list(context))
  sub('get', 'show a template')
    .argument('<name>')
    .action((name: string) => get(context, name))
  const set = sub('set', 'create a template, or replace the one with this name')
    .argument('<name>')
    .addOption(typeOption('the type of data source that the template is for').makeOptionMandatory())
    .action((name: string, options: SetOptions) => put(context, name, options))
  addFieldOptions(set, { secrets: false, required: false })
  sub('delete', 'delete a template; data sources made from it are kept')
    .argument('<name>')
    .action((name: string) => remove(context, name))
  command.addHelpText('afterAll', EXAMPLES)
}

async function list(context: Context): Promise<void> {
  const format = formatWithout(context, 'id')
  await context.print(templatesView(await listTemplates(await context.templates(MAY.read))), format)
}

async function get(context: Context, name: string): Promise<void> {
  const format = formatWithout(context, 'id')
  await context.print(templateView(await getTemplate(await context.templates(MAY.read), name)), format)
}

async function put(context: Context, name: string, options: SetOptions): Promise<void> {
  const format = formatWithout(context, 'id')
  const request = await readTemplate(name, options)
  warnAboutName(context, name)
  const { kind, template } = await setTemplate(await context.templates(MAY.change), request)
  if (kind !== 'unchanged') context.changed = { text: 'The template was saved.' }
  else context.note('No changes: already up to date.')
  await context.print(templateView(template), format)
}

async function remove(context: Context, name: string): Promise<void> {
  await deleteTemplate(await context.templates(MAY.change), name)
  context.note(`Deleted the template ${name}.`)
}

const EXAMPLES = `
A template presets fields of a type, except secrets. A request overrides them.
To use one: dsctl create --template NAME, or "template": "NAME" in a file.

Examples:
  dsctl template set eu --type postgres --host db.eu.example.com --port 6432
  dsctl template set --type snowflake --help
  dsctl template get eu -o json
  dsctl template list
  dsctl template delete eu
  dsctl create Sales --env production --template eu --username app \\
    --password env:SALES_PASSWORD --default-database sales
`
