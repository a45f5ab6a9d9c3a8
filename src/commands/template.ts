import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { MAY } from '../operations/authorize.ts'
import { deleteTemplate, getTemplate, listTemplates, setTemplate } from '../operations/template.ts'
import type { Template } from '../ports/templates.ts'
import { addFieldOptions, typeOption } from '../requests/field-options.ts'
import { readTemplate } from '../requests/template-request.ts'
import { findSourceType } from '../source-types/index.ts'
import { shownPreset } from '../source-types/preset.ts'

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
  const templates = await listTemplates(await context.templates(MAY.read))
  await context.print({ kind: 'list', data: templates.map(document), columns: COLUMNS, empty: 'No templates.' })
}

async function get(context: Context, name: string): Promise<void> {
  await show(context, await getTemplate(await context.templates(MAY.read), name))
}

async function put(context: Context, name: string): Promise<void> {
  const asked = await readTemplate(name, context.flags)
  const { kind, template } = await setTemplate(await context.templates(MAY.change), asked)
  if (kind === 'unchanged') context.note('Nothing changed: it is so already.')
  await show(context, template)
}

async function remove(context: Context, name: string): Promise<void> {
  await deleteTemplate(await context.templates(MAY.change), name)
  context.note(`Deleted the template ${name}.`)
}

async function show(context: Context, template: Template): Promise<void> {
  const data = document(template)
  const fields = Object.entries(data.fields).map(([name, value]) => [name, String(value)] as const)
  const rows = [['Name', data.name], ['Type', data.type], ...fields, ['Updated', { time: data.updated_at }]] as const
  await context.print({ kind: 'record', data, rows })
}

type Document = ReturnType<typeof document>

function document({ name, type, fields, createdAt, updatedAt }: Template) {
  const shown = shownPreset(findSourceType(type), fields)
  return { name, type, fields: shown, created_at: createdAt, updated_at: updatedAt }
}

const COLUMNS = [
  { title: 'NAME', value: ({ name }: Document) => name },
  { title: 'TYPE', value: ({ type }: Document) => type, fixed: true },
  { title: 'FIELDS', value: ({ fields }: Document) => Object.keys(fields).join(', ') },
  { title: 'UPDATED', value: ({ updated_at }: Document) => ({ time: updated_at }), fixed: true },
]

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
