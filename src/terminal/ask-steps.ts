import type { Field, Rule, SourceType } from '../source-types/source-type.ts'

/** One step of the wizard. */
export type Step =
  | { readonly kind: 'field'; readonly name: string }
  /** Alternatives: the user chooses which of these fields to enter. */
  | { readonly kind: 'one-of'; readonly names: readonly string[] }
  /** Optional fields: the user is first asked whether to enter them. */
  | { readonly kind: 'group'; readonly question: string; readonly names: readonly string[] }

/** A type, and the values that are known already: those that are given, and those of an existing data source. */
export interface KnownFields {
  readonly type: SourceType
  readonly given: Readonly<Record<string, unknown>>
  readonly stored: Readonly<Record<string, unknown>>
}

const GROUPS: readonly { of: readonly (Field['group'] & string)[]; question: string; change: string }[] = [
  { of: ['ssh'], question: 'Connect through an SSH jump host?', change: 'Change the SSH jump host?' },
  { of: ['tls', 'pool'], question: 'More settings?', change: 'Change more settings?' },
]

/** The steps that complete a data source. */
export function planSteps(known: KnownFields): Step[] {
  const ungrouped = names(known).filter(name => fieldOf(known, name).group === undefined)
  return [...stepsFor(known, ungrouped), ...GROUPS.flatMap(group => groupSteps(known, group))]
}

/** Whether a required field is missing. */
export function isIncomplete({ type, given, stored }: KnownFields): boolean {
  const has = (name: string) => name in given || name in stored
  const needed = Object.entries(type.fields).some(
    ([name, field]) => field.required && field.default === undefined && !has(name) && !isDerived(type, name),
  )
  return needed || type.rules.some(rule => isBroken(rule, has))
}

/** The steps for these fields only, in the type's order. */
export function stepsFor(known: KnownFields, wanted: readonly string[]): Step[] {
  const { type, given } = known
  return wanted.flatMap((name): Step[] => {
    if (name in given || isDerived(type, name)) return []
    const others = oneOf(type, name)
    if (!others) return [{ kind: 'field', name }]
    const first = others.find(other => wanted.includes(other))
    return name === first && !others.some(other => other in given) ? [{ kind: 'one-of', names: others }] : []
  })
}

/** The field that this field depends on. */
export function prerequisiteOf(type: SourceType, name: string): string | undefined {
  return type.rules.filter(rule => rule.kind === 'needs').find(rule => rule.field === name)?.needs
}

/** The fields that must be set together with this field. */
export function groupOf(type: SourceType, name: string): readonly string[] {
  return type.rules.flatMap(rule => (rule.kind === 'together' && rule.fields.includes(name) ? rule.fields : []))
}

function groupSteps(known: KnownFields, group: (typeof GROUPS)[number]): Step[] {
  const { type, given, stored } = known
  const members = names(known).filter(name => group.of.some(each => each === fieldOf(known, name).group))
  if (members.length === 0) return []
  if (members.some(name => name in given)) {
    const missing = members.filter(name => groupOf(type, name).some(other => other in given) && !(name in stored))
    return stepsFor(known, missing)
  }
  const question = members.some(name => name in stored) ? group.change : group.question
  return [{ kind: 'group', question, names: members }]
}

function isBroken(rule: Rule, has: (name: string) => boolean): boolean {
  if (rule.kind === 'one-of') return !rule.fields.some(has)
  return rule.kind === 'together' && rule.fields.some(has) && !rule.fields.every(has)
}

function oneOf(type: SourceType, name: string): readonly string[] | undefined {
  return type.rules.filter(rule => rule.kind === 'one-of').find(rule => rule.fields.includes(name))?.fields
}

function isDerived(type: SourceType, name: string): boolean {
  return type.rules.some(rule => rule.kind === 'derived' && rule.field === name)
}

function names({ type }: KnownFields): string[] {
  return Object.keys(type.fields)
}

function fieldOf({ type }: KnownFields, name: string): Field {
  const field = type.fields[name]
  if (!field) throw new Error(`${type.name} has no field ${name}`)
  return field
}
