import type { Command } from 'commander'
import type { Context } from '../cli/context.ts'
import { MAY } from '../operations/authorize.ts'
import { deleteTemplate, getTemplate, listTemplates, setTemplate } from '../operations/template.ts'
import { addFieldOptions, typeOption } from '../requests/field-options.ts'
import { readTemplate } from '../requests/template-request.ts'
import { answerHasNo } from '../requests/unsupported-format.ts'
import { templatesView, templateView } from '../views/template.ts'

/** `dsctl template list|get|set|delete`. */
export function define(command: Command, context: Context, args: readonly string[]): void {
  const sub = (name: string, summary: string) =>
    command.command(name).summary(summary).description(summary).copyInheritedSettings(command)
  sub('list', 'list the templates of the organization').action(() => list(context))
  sub('get', 'show a template')
    .argument('<name>')
    .action((name: string) => get(context, name))
  const set = sub('set', 'make a template, or put it in the place of the one that has its name')
    .argument('<name>')
    .addOption(typeOption('of the data sources that it is for').makeOptionMandatory())
    .action((name: string) => put(context, name))
  addFieldOptions(set, args, 'plain')
  sub('delete', 'delete a template: what was made with it stays')
    .argument('<name>')
    .action((name: string) => remove(context, name))
  command.addHelpText('afterAll', EXAMPLES)
}

async function list(context: Context): Promise<void> {
  answerHasNo(context, 'id')
  await context.print(templatesView(await listTemplates(await context.templates(MAY.read))))
}

async function get(context: Context, name: string): Promise<void> {
  answerHasNo(context, 'id')
  await context.print(templateView(await getTemplate(await context.templates(MAY.read), name)))
}

async function put(context: Context, name: string): Promise<void> {
  answerHasNo(context, 'id')
  const asked = await readTemplate(name, context.flags)
  const { kind, template } = await setTemplate(await context.templates(MAY.change), asked)
  if (kind !== 'unchanged') context.changed = { text: 'The template was kept all the same.' }
  else context.note('Nothing changed: it is so already.')
  await context.print(templateView(template))
}

async function remove(context: Context, name: string): Promise<void> {
  await deleteTemplate(await context.templates(MAY.change), name)
  context.note(`Deleted the template ${name}.`)
}

const EXAMPLES = `
A template presets fields of a type, never a secret. What a request gives itself
goes before it: dsctl create --template NAME, or "template": "NAME" in a file.

Examples:
  dsctl template set eu --type postgres --host db.eu.example.com --port 6432
  dsctl template set --type snowflake --help
  dsctl template get eu -o json
  dsctl template list
  dsctl template delete eu
  dsctl create Sales --env production --template eu --username app \\
    --password env:SALES_PASSWORD --default-database sales
`
