import { type FieldProblem, safeKey } from '../domain/errors.ts'
import { AllowedPlaceholder, type Credentials, isMask, type Secret } from '../domain/secret.ts'
import { checkRules } from './check-rules.ts'
import { textProperty, usesGroup, withDefaults, withDerived } from './complete-credentials.ts'
import { findField, unknownFieldMessage } from './field-names.ts'
import { hasSeveralItems, normalizeCredentials } from './normalize.ts'
import { isSameValue } from './same-value.ts'
import type { SourceType } from './source-type.ts'
import { writeBack } from './write-back.ts'

/** The fields that an update sets, with their secrets fetched, and the fields that it unsets. */
export interface FieldUpdate {
  readonly given: Readonly<Record<string, Secret>>
  readonly unset: readonly string[]
}

export interface MergeResult {
  /** The new credentials. Store them only if there are no problems. */
  readonly merged: Credentials
  /** The names of the fields whose values differ. */
  readonly changed: readonly string[]
  readonly problems: readonly FieldProblem[]
}

/**
 * Applies an update to the stored credentials. `stored` is null if there are none: the update must then set all
 * required fields. Anything that the update does not change stays as it is stored: see `writeBack`. Unsetting a field
 * also unsets the fields that need it, and restores its default if it has one. A mask as a value keeps the stored
 * secret.
 */
export function mergeUpdate(type: SourceType, stored: Credentials | null, update: FieldUpdate): MergeResult {
  const before = stored ? normalizeCredentials(type, stored) : {}
  const { given, problems: maskProblems } = removeMasks(type, before, update.given)
  const unset = update.unset.map(name => findField(type, name)?.name ?? name)
  const dropped = [...withDependents(type, unset, given), ...outdatedDerived(type, before, given)]
  const kept = Object.entries(before).filter(([name]) => !dropped.includes(name))
  const applied = normalizeCredentials(type, Object.fromEntries([...kept, ...Object.entries(given)]))
  const touched = new Set([...dropped, ...Object.keys(given)])
  const after = stored ? fillInTouched(type, { before, applied, touched }) : fillInAll(type, applied)

  const problems = [...maskProblems, ...unsetProblems(type, unset, update.given)]
  const ruleProblems = checkRules(type, after, given).filter(({ field }) =>
    problems.every(problem => problem.field !== field),
  )
  const hidden = stored ? fieldsWithSeveralItems(type, stored) : []
  const changed = Object.keys(type.fields).filter(
    name => (dropped.includes(name) && hidden.includes(name)) || !isSameValue(before[name], after[name]),
  )
  const merged = stored ? writeBack(type, stored, new Map(changed.map(name => [name, after[name]]))) : after
  return { merged, changed, problems: [...problems, ...ruleProblems] }
}

/** Fields that are stored as a list of several items, which dsctl shows as not set. */
function fieldsWithSeveralItems(type: SourceType, stored: Credentials): readonly string[] {
  return Object.entries(stored).flatMap(([key, value]) => {
    const name = findField(type, key)?.name
    return name !== undefined && hasSeveralItems(value) ? [name] : []
  })
}

/** A fast check: true if all values are already stored, so that an update would change nothing. False if not sure. */
export function isAlreadyStored(type: SourceType, stored: Credentials, given: Credentials): boolean {
  if (type.rules.some(({ kind }) => kind === 'derived')) return false // a derived value may be missing
  // Credentials that dsctl wrote need no normalization.
  if (Object.keys(given).every(name => Object.hasOwn(stored, name) && isSameValue(stored[name], given[name])))
    return true
  const before = normalizeCredentials(type, stored)
  const { given: values, problems } = removeMasks(type, before, given)
  return problems.length === 0 && Object.keys(values).every(name => isSameValue(before[name], values[name]))
}

/** Removes masks from the given values: each keeps the stored secret. A mask is a problem if no secret is stored. */
function removeMasks(type: SourceType, before: Credentials, given: Readonly<Record<string, Secret>>) {
  const masks = Object.keys(given).filter(name => {
    const value = given[name] instanceof AllowedPlaceholder ? undefined : given[name]?.reveal()
    return findField(type, name)?.field.secret !== false && typeof value === 'string' && isMask(value)
  })
  return {
    given: Object.fromEntries(Object.entries(given).filter(([name]) => !masks.includes(name))),
    problems: masks
      .filter(name => !Object.hasOwn(before, name))
      .map(field => ({ field, message: 'is a mask, but no secret is stored: enter the secret itself' })),
  }
}

/** The fields to unset, and the fields that need these, unless the update sets them. */
function withDependents(type: SourceType, unset: readonly string[], given: Credentials): readonly string[] {
  const dependents = type.rules.flatMap(rule =>
    rule.kind === 'needs' && unset.includes(rule.needs) && !Object.hasOwn(given, rule.field) ? [rule.field] : [],
  )
  return dependents.every(name => unset.includes(name))
    ? unset
    : withDependents(type, [...new Set([...unset, ...dependents])], given)
}

/**
 * Derived fields to derive again: the update sets their source, and the stored value was derived from the old source.
 */
function outdatedDerived(type: SourceType, before: Credentials, given: Credentials): readonly string[] {
  return type.rules.flatMap(rule => {
    if (rule.kind !== 'derived' || !Object.hasOwn(given, rule.from) || Object.hasOwn(given, rule.field)) return []
    const isDerived = before[rule.field]?.reveal() === textProperty(before[rule.from]?.reveal(), rule.key)
    return isDerived ? [rule.field] : []
  })
}

interface Applied {
  readonly before: Credentials
  /** The stored credentials with the update applied, but without new default and derived values. */
  readonly applied: Credentials
  /** The fields that the update sets or unsets. */
  readonly touched: ReadonlySet<string>
}

/** Adds default and derived values for touched fields and newly used groups. Other unset fields stay unset. */
function fillInTouched(type: SourceType, { before, applied, touched }: Applied): Credentials {
  const filled = withDefaults(type, applied, (name, field) => {
    const newGroup = field.group !== undefined && !usesGroup(type, before, field.group)
    return touched.has(name) || newGroup
  })
  const derivedNames = type.rules.flatMap(rule => (rule.kind === 'derived' ? [rule.from, rule.field] : []))
  const derives = derivedNames.some(name => touched.has(name))
  return normalizeCredentials(type, derives ? withDerived(type, filled) : filled)
}

function fillInAll(type: SourceType, applied: Credentials): Credentials {
  return normalizeCredentials(type, withDerived(type, withDefaults(type, applied)))
}

function unsetProblems(type: SourceType, unset: readonly string[], given: Credentials): readonly FieldProblem[] {
  return unset.flatMap(name => {
    const field = findField(type, name)?.field
    if (!field) return [{ field: safeKey(name), message: unknownFieldMessage(type, name) }]
    if (Object.hasOwn(given, name)) return [{ field: name, message: 'is both set and unset: choose one' }]
    return field.required ? [{ field: name, message: 'is required and cannot be unset: set a new value' }] : []
  })
}
