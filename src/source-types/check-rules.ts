import type { FieldProblem } from '../domain/errors.ts'
import { type Credentials, Secret } from '../domain/secret.ts'
import { normalizeCredentials } from './normalize.ts'
import type { Field, Rule, SourceType } from './source-type.ts'

type Values = Readonly<Record<string, unknown>>

/** What is still to be given: each entry is one field's name, or several of which one is enough. */
export function missingFields(type: SourceType, given: Values): readonly (readonly string[])[] {
  return gaps(type, given).map(({ fields }) => fields)
}

/**
 * What is wrong with the fields taken together: missing ones, and broken rules. Only their presence counts, so that
 * this can be known before any secret is fetched. In an update, `judged` are the fields that it gives: a stored field
 * without the one it needs is no reason to refuse it.
 */
export function checkRules(type: SourceType, given: Values, judged: Values = given): readonly FieldProblem[] {
  const missing = gaps(type, given).map(({ fields, message }) => ({ field: fields[0] ?? '', message }))
  return [...missing, ...type.rules.flatMap(rule => conflict(rule, given, judged))]
}

/**
 * The credentials as they are stored: `type`, then the fields in the order of their declaration, with defaults and
 * derived fields filled in. What is given must have passed `checkWhole`.
 */
export function completeCredentials(type: SourceType, given: Readonly<Record<string, Secret>>): Credentials {
  return normalizeCredentials(type, withDerived(type, withDefaults(type, given)))
}

/** Fills in the defaults of the fields that `wanted` names (all, unless it is given). */
export function withDefaults(
  type: SourceType,
  values: Credentials,
  wanted: (name: string, field: Field) => boolean = () => true,
): Credentials {
  const added = Object.entries(type.fields)
    .filter(([name, field]) => field.default !== undefined && !has(values, name) && wanted(name, field))
    .filter(([, field]) => !field.group || usesGroup(type, values, field.group))
    .map(([name, field]): [string, Secret] => [name, new Secret(field.default)])
  return { ...values, ...Object.fromEntries(added) }
}

/** Whether any field of a group is set. */
export function usesGroup(type: SourceType, values: Values, group: string): boolean {
  return Object.keys(values).some(name => type.fields[name]?.group === group)
}

/** Fills in the derived fields that are not set. */
export function withDerived(type: SourceType, values: Credentials): Credentials {
  const added = type.rules.flatMap(rule => {
    if (rule.kind !== 'derived' || has(values, rule.field)) return []
    const value = textProperty(values[rule.from]?.reveal(), rule.key)
    return value === undefined ? [] : [[rule.field, new Secret<unknown>(value)] as const]
  })
  return { ...values, ...Object.fromEntries(added) }
}

/** A text property of a JSON object, which others may have stored as its text. */
export function textProperty(value: unknown, key: string): string | undefined {
  const object = typeof value === 'string' ? parsed(value) : value
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, key)) return undefined
  const property: unknown = Reflect.get(object, key)
  return typeof property === 'string' && property !== '' ? property : undefined
}

interface Gap {
  readonly fields: readonly string[]
  readonly message: string
}

function gaps(type: SourceType, given: Values): readonly Gap[] {
  const required = Object.entries(type.fields)
    .filter(([name, field]) => field.required && !has(given, name))
    .map(([name]) => ({ fields: [name], message: 'is required' }))
  return [...required, ...type.rules.flatMap(rule => ruleGaps(rule, given))]
}

function ruleGaps(rule: Rule, given: Values): readonly Gap[] {
  if (rule.kind !== 'one-of' && rule.kind !== 'together') return []
  const present = rule.fields.filter(name => has(given, name))
  if (rule.kind === 'one-of') {
    const [, ...others] = rule.fields
    return present.length ? [] : [{ fields: rule.fields, message: `is required, or else ${others.join(' or ')}` }]
  }
  if (present.length === 0) return []
  return rule.fields
    .filter(name => !present.includes(name))
    .map(name => ({ fields: [name], message: `is required with ${present.join(' and ')}: give all of them or none` }))
}

function conflict(rule: Rule, given: Values, judged: Values): readonly FieldProblem[] {
  if (rule.kind === 'needs') {
    const broken = has(judged, rule.field) && !has(given, rule.needs)
    return broken ? [{ field: rule.field, message: `makes sense only with ${rule.needs}` }] : []
  }
  if (rule.kind !== 'one-of') return []
  const [first, ...others] = rule.fields.filter(name => has(given, name))
  return others.map(field => ({ field, message: `cannot stand beside ${first}: give one of them, unset the other` }))
}

function has(values: Values, name: string): boolean {
  return Object.hasOwn(values, name)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
