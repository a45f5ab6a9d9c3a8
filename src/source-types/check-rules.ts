import type { FieldProblem } from '../domain/errors.ts'
import type { Rule, SourceType } from './source-type.ts'

/** Fields by name. Only their presence counts, so a secret need not be fetched yet. */
type Fields = Readonly<Record<string, unknown>>

/** The missing fields. Each entry is the name of one field, or the names of alternatives. */
export function missingFields(type: SourceType, fields: Fields): readonly (readonly string[])[] {
  return findMissing(type, fields).map(({ names }) => names)
}

/**
 * Checks that all required fields are set and that the type's rules hold. For an update, pass the fields that it sets
 * as `updated`: the rules of kind `needs` are then checked only for these.
 */
export function checkRules(type: SourceType, fields: Fields, updated: Fields = fields): readonly FieldProblem[] {
  const missing = findMissing(type, fields).map(({ names, message }) => ({ field: names[0] ?? '', message }))
  return [...missing, ...type.rules.flatMap(rule => findConflicts(rule, fields, updated))]
}

interface Missing {
  readonly names: readonly string[]
  readonly message: string
}

function findMissing(type: SourceType, fields: Fields): readonly Missing[] {
  const required = Object.entries(type.fields)
    .filter(([name, field]) => field.required && !has(fields, name))
    .map(([name]) => ({ names: [name], message: 'is required' }))
  return [...required, ...type.rules.flatMap(rule => findMissingByRule(rule, fields))]
}

function findMissingByRule(rule: Rule, fields: Fields): readonly Missing[] {
  if (rule.kind !== 'one-of' && rule.kind !== 'together') return []
  const present = rule.fields.filter(name => has(fields, name))
  if (rule.kind === 'one-of') {
    const [, ...others] = rule.fields
    return present.length ? [] : [{ names: rule.fields, message: `is required, unless ${others.join(' or ')} is set` }]
  }
  if (present.length === 0) return []
  return rule.fields
    .filter(name => !present.includes(name))
    .map(name => ({ names: [name], message: `is required with ${present.join(' and ')}: set all of them or none` }))
}

function findConflicts(rule: Rule, fields: Fields, updated: Fields): readonly FieldProblem[] {
  if (rule.kind === 'needs') {
    const broken = has(updated, rule.field) && !has(fields, rule.needs)
    return broken ? [{ field: rule.field, message: `requires ${rule.needs}` }] : []
  }
  if (rule.kind !== 'one-of') return []
  const [first, ...others] = rule.fields.filter(name => has(fields, name))
  return others.map(field => ({ field, message: `conflicts with ${first}: set one of them and unset the other` }))
}

function has(fields: Fields, name: string): boolean {
  return Object.hasOwn(fields, name)
}
