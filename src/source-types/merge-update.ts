import { isDeepStrictEqual } from 'node:util'
import { type FieldProblem, safeKey } from '../domain/errors.ts'
import { type Credentials, isMask, type Secret } from '../domain/secret.ts'
import { checkRules, textProperty, usesGroup, withDefaults, withDerived } from './check-rules.ts'
import { fieldNames, findField, unknownFieldMessage } from './field-names.ts'
import { normalizeCredentials } from './normalize.ts'
import type { SourceType } from './source-type.ts'

/** What an update gives, each secret fetched, and which fields it unsets. */
export interface FieldUpdate {
  readonly given: Readonly<Record<string, Secret>>
  readonly unset: readonly string[]
}

/**
 * Applies an update to the stored credentials (null where there are none: then it must give everything). What others
 * stored is kept, and judged only as far as the whole has to be usable. A field that is unset takes those along that
 * make sense only with it, one with a default gets its default back, and a given mask leaves the stored secret alone.
 * `changed` names the fields whose values differ; `merged` is to be stored only where there are no problems.
 */
export function mergeUpdate(
  type: SourceType,
  stored: Credentials | null,
  change: FieldUpdate,
): { merged: Credentials; changed: readonly string[]; problems: readonly FieldProblem[] } {
  const before = stored ? normalizeCredentials(type, stored) : {}
  const { given, problems: masked } = withoutMasks(type, before, change.given)
  const unset = change.unset.map(name => findField(type, name)?.name ?? name)
  const dropped = [...withDependents(type, unset, given), ...outdated(type, before, given)]
  const kept = Object.entries(stored ?? {}).filter(([key]) => !isNameOf(type, dropped, key))
  const applied = normalizeCredentials(type, Object.fromEntries([...kept, ...Object.entries(given)]))
  const touched = new Set([...dropped, ...Object.keys(given)])
  const merged = stored ? filledIn(type, { before, applied, touched }) : filledInAnew(type, applied)

  const problems = [...masked, ...unsetProblems(type, unset, change.given)]
  const whole = checkRules(type, merged, given).filter(({ field }) => problems.every(known => known.field !== field))
  const changed = Object.keys(type.fields).filter(name => !same(before[name], merged[name]))
  return { merged, changed, problems: [...problems, ...whole] }
}

/** Whether credentials that are stored hold all that is given already, so that nothing can change: soon seen. */
export function isAlreadyStored(type: SourceType, stored: Credentials, given: Credentials): boolean {
  if (type.rules.some(({ kind }) => kind === 'derived')) return false // what follows from another may be missing
  // As dsctl itself has written it: then there is nothing to normalise.
  if (Object.keys(given).every(name => Object.hasOwn(stored, name) && same(stored[name], given[name]))) return true
  const before = normalizeCredentials(type, stored)
  const { given: values, problems } = withoutMasks(type, before, given)
  return problems.length === 0 && Object.keys(values).every(name => same(before[name], values[name]))
}

/** Takes the masks out: each means the stored secret, and is a problem where there is none. */
function withoutMasks(type: SourceType, before: Credentials, given: Readonly<Record<string, Secret>>) {
  const masks = Object.keys(given).filter(name => {
    const value = given[name]?.reveal()
    return findField(type, name)?.field.secret !== false && typeof value === 'string' && isMask(value)
  })
  return {
    given: Object.fromEntries(Object.entries(given).filter(([name]) => !masks.includes(name))),
    problems: masks
      .filter(name => !Object.hasOwn(before, name))
      .map(field => ({ field, message: 'is a mask, and nothing is stored: give the secret itself' })),
  }
}

/** The fields to unset, with those that make sense only beside them and are not given. */
function withDependents(type: SourceType, unset: readonly string[], given: Credentials): readonly string[] {
  const dependents = type.rules.flatMap(rule =>
    rule.kind === 'needs' && unset.includes(rule.needs) && !Object.hasOwn(given, rule.field) ? [rule.field] : [],
  )
  return dependents.every(name => unset.includes(name))
    ? unset
    : withDependents(type, [...new Set([...unset, ...dependents])], given)
}

/** Derived fields that followed the stored source, and so follow the one that is given. */
function outdated(type: SourceType, before: Credentials, given: Credentials): readonly string[] {
  return type.rules.flatMap(rule => {
    if (rule.kind !== 'derived' || !Object.hasOwn(given, rule.from) || Object.hasOwn(given, rule.field)) return []
    const followed = before[rule.field]?.reveal() === textProperty(before[rule.from]?.reveal(), rule.key)
    return followed ? [rule.field] : []
  })
}

function isNameOf(type: SourceType, names: readonly string[], key: string): boolean {
  return names.some(name => {
    const field = findField(type, name)?.field
    return field !== undefined && fieldNames(name, field).includes(key)
  })
}

interface Applied {
  readonly before: Credentials
  readonly applied: Credentials
  readonly touched: ReadonlySet<string>
}

/** Fills in only what this update is the reason for; what others left out stays out. */
function filledIn(type: SourceType, { before, applied, touched }: Applied): Credentials {
  const filled = withDefaults(type, applied, (name, field) => {
    const newGroup = field.group !== undefined && !usesGroup(type, before, field.group)
    return touched.has(name) || newGroup
  })
  const sources = type.rules.flatMap(rule => (rule.kind === 'derived' ? [rule.from, rule.field] : []))
  return normalizeCredentials(type, sources.some(name => touched.has(name)) ? withDerived(type, filled) : filled)
}

function filledInAnew(type: SourceType, applied: Credentials): Credentials {
  return normalizeCredentials(type, withDerived(type, withDefaults(type, applied)))
}

function unsetProblems(type: SourceType, unset: readonly string[], given: Credentials): readonly FieldProblem[] {
  return unset.flatMap(name => {
    const field = findField(type, name)?.field
    if (!field) return [{ field: safeKey(name), message: unknownFieldMessage(type, name) }]
    if (Object.hasOwn(given, name)) return [{ field: name, message: 'is both given and unset: do one of them' }]
    return field.required ? [{ field: name, message: 'is required and cannot be unset: give a new value' }] : []
  })
}

function same(one: Secret | undefined, other: Secret | undefined): boolean {
  const [a, b] = [one?.reveal(), other?.reveal()]
  return a === b || (typeof a === 'object' && isDeepStrictEqual(a, b))
}
