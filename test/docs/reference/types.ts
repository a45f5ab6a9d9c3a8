import { describeType, type FieldDescription } from '../../../src/source-types/describe.ts'
import { sourceTypes } from '../../../src/source-types/index.ts'
import type { SourceType } from '../../../src/source-types/source-type.ts'
import { table } from './markdown.ts'

/** docs/reference/types.md, made from the declarations of the types. */
export function typesPage(): string {
  return `# Types

\`dsctl types\` lists the types; \`dsctl types TYPE\` shows the fields of one. \`dsctl types TYPE -o json\` prints the JSON
Schema of a request.

${typesTable(sourceTypes)}
**S** marks a secret, *italics* a group of fields with a row of its own. The number or word in brackets is the default.

A flag has the name of its field: \`default_schema\` is \`--default-schema\`. In files, a field may also have one of its other
names. The output of \`get\` shows \`default_database\` as \`database\` and \`default_schema\` as \`schemas\`.
${sourceTypes.map(fieldsSection).join('')}`
}

/** A row for each type and for each group of fields. */
export function typesTable(types: readonly SourceType[]): string {
  const rows = types.map(type => summary(`\`${type.name}\``, cells(type, undefined), groupsOf(type)))
  const groups = new Map(types.flatMap(type => groupsOf(type).map(group => [group, type] as const)))
  const groupRows = [...groups].map(([group, type]) => summary(`*${group}*`, cells(type, group), []))
  return table(['type', 'required', 'optional'], [...rows, ...groupRows])
}

function fieldsSection(type: SourceType): string {
  const rows = describeType(type).map(({ field, required, secret, limits, aliases, ...more }) => [
    `\`${field}\`${secret ? ' **S**' : ''}`,
    type.fields[field]?.description ?? more.label,
    required,
    more.default === undefined ? '' : `${more.default}`,
    limits,
    aliases.map(alias => `\`${alias}\``).join(', '),
  ])
  const head = ['field', 'description', 'required', 'default', 'limits', 'other names']
  return `\n## ${type.label}\n\nType \`${type.name}\`.${familyNote(type)}\n\n${table(head, rows)}`
}

function familyNote({ family }: SourceType): string {
  return family === undefined ? '' : ` Its secrets have the type \`${family}\`, which is what the application reads.`
}

interface Cells {
  readonly required: readonly string[]
  readonly optional: readonly string[]
}

function summary(title: string, { required, optional }: Cells, groups: readonly string[]): readonly string[] {
  return [title, required.join(', '), [...optional, ...groups.map(group => `*${group}*`)].join(', ')]
}

function cells(type: SourceType, group: string | undefined): Cells {
  const fields = describeType(type).filter(({ field }) => type.fields[field]?.group === group)
  const isOptional = ({ required }: FieldDescription) => required.startsWith('no')
  return {
    required: fields.filter(field => !isOptional(field)).map(cell),
    optional: fields.filter(isOptional).map(cell),
  }
}

/** For instance `` `port` (5432) `` or `` `password` **S** ``. */
function cell({ field, secret, required, ...more }: FieldDescription): string {
  const choice = /^yes, (or .*)/.exec(required)?.[1]
  const notes = [more.default, choice].filter(note => note !== undefined).join(', ')
  return `\`${field}\`${secret ? ' **S**' : ''}${notes ? ` (${notes})` : ''}`
}

function groupsOf(type: SourceType): readonly string[] {
  const groups = Object.values(type.fields).flatMap(({ group }) => (group ? [group] : []))
  return [...new Set(groups)]
}
