import type { SourceType } from './source-type.ts'

/** The alternatives to a field, and the field itself. Exactly one of them is set. */
export function alternativesOf(type: SourceType, field: string): readonly string[] {
  const rule = type.rules.find(each => each.kind === 'one-of' && each.fields.includes(field))
  return rule?.kind === 'one-of' ? rule.fields : [field]
}

/** Identifies the question which of some alternatives to enter. */
export function alternativesKey(names: readonly string[]): string {
  return names.join(' or ')
}

/** Of the alternatives that a key identifies, the one that is set; undefined if there is none. */
export function alternativeInUse(
  type: SourceType,
  key: string,
  fields: Readonly<Record<string, unknown>>,
): string | undefined {
  const alternatives = type.rules.flatMap(rule => (rule.kind === 'one-of' ? [rule.fields] : []))
  return alternatives.find(names => alternativesKey(names) === key)?.find(name => fields[name] !== undefined)
}
