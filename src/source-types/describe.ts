import { fieldNames } from './field-names.ts'
import { describeLimit } from './limits.ts'
import type { Field, SourceType } from './source-type.ts'

/** A field as `dsctl types TYPE` shows it. */
export interface FieldDescription {
  readonly field: string
  readonly label: string
  /** `yes`, `no`, or what it depends on, for instance `with jump_host`. */
  readonly required: string
  readonly secret: boolean
  readonly default: string | number | boolean | undefined
  readonly limits: string
  readonly aliases: readonly string[]
}

export function describeType(type: SourceType): readonly FieldDescription[] {
  return Object.entries(type.fields).map(([name, field]) => ({
    field: name,
    label: field.label,
    required: requirement(type, name, field),
    secret: field.secret,
    default: field.default ?? derivation(type, name),
    limits: describeLimit(field),
    aliases: fieldNames(name, field).slice(1),
  }))
}

/** The README's table of types and their fields, in Markdown; each optional group has a row of its own. */
export function typesTable(types: readonly SourceType[]): string {
  const rows = types.map(type => {
    const groups = groupsOf(type).map(group => `*${group}*`)
    return row(`\`${type.name}\``, cells(type, undefined), groups)
  })
  const groups = new Map(types.flatMap(type => groupsOf(type).map(group => [group, type] as const)))
  const groupRows = [...groups].map(([group, type]) => row(`*${group}*`, cells(type, group), []))
  return ['| type | required | optional |', '| --- | --- | --- |', ...rows, ...groupRows, ''].join('\n')
}

function requirement(type: SourceType, name: string, field: Field): string {
  if (field.required) return 'yes'
  for (const rule of type.rules) {
    if (rule.kind === 'needs' && rule.field === name) return `no, only with ${rule.needs}`
    if (rule.kind !== 'one-of' && rule.kind !== 'together') continue
    if (!rule.fields.includes(name)) continue
    const others = rule.fields.filter(other => other !== name)
    return rule.kind === 'one-of' ? `yes, or ${others.join(' or ')}` : `with ${others.join(' or ')}`
  }
  return 'no'
}

function derivation(type: SourceType, name: string): string | undefined {
  for (const rule of type.rules) {
    if (rule.kind === 'derived' && rule.field === name) return `from ${rule.from}`
  }
  return undefined
}

interface Cells {
  readonly required: readonly string[]
  readonly optional: readonly string[]
}

function row(title: string, { required, optional }: Cells, groups: readonly string[]): string {
  return `| ${title} | ${required.join(', ')} | ${[...optional, ...groups].join(', ')} |`
}

function cells(type: SourceType, group: string | undefined): Cells {
  const fields = Object.entries(type.fields).filter(([, field]) => field.group === group)
  const isOptional = ([name, field]: [string, Field]) => requirement(type, name, field).startsWith('no')
  return {
    required: fields.filter(entry => !isOptional(entry)).map(entry => cell(type, entry)),
    optional: fields.filter(isOptional).map(entry => cell(type, entry)),
  }
}

/** For instance `` `port` (5432) `` or `` `password` **S** ``. */
function cell(type: SourceType, [name, field]: [string, Field]): string {
  const fallback = field.default ?? derivation(type, name)
  const choice = /^yes, (or .*)/.exec(requirement(type, name, field))?.[1]
  const notes = [fallback, choice].filter(note => note !== undefined).join(', ')
  return `\`${name}\`${field.secret ? ' **S**' : ''}${notes ? ` (${notes})` : ''}`
}

function groupsOf(type: SourceType): readonly string[] {
  const groups = Object.values(type.fields).flatMap(({ group }) => (group ? [group] : []))
  return [...new Set(groups)]
}
