import { fieldNames } from './field-names.ts'
import { describeLimit } from './limits.ts'
import type { Field, SourceType } from './source-type.ts'

/** A row of `dsctl types TYPE`. */
export interface FieldDescription {
  readonly field: string
  readonly label: string
  /** `yes`, `no`, or a condition, for example `with jump_host`. */
  readonly required: string
  readonly secret: boolean
  readonly default: string | number | boolean | undefined
  /** The allowed values: see `describeLimit`. */
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
