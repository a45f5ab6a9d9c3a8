import type { SourceType } from './source-type.ts'

/** The alternatives to a field, and the field itself. Exactly one of them is set. */
export function alternativesOf(type: SourceType, field: string): readonly string[] {
  const rule = type.rules.find(each => each.kind === 'one-of' && each.fields.includes(field))
  return rule?.kind === 'one-of' ? rule.fields : [field]
}

/** A key for the question that lets the user choose an alternative. */
export function alternativesKey(names: readonly string[]): string {
  return names.join(' or ')
}

/** The alternative that is set, among those that `key` identifies. Undefined if none is set. */
export function alternativeInUse(
  type: SourceType,
  key: string,
  fields: Readonly<Record<string, unknown>>,
): string | undefined {
  const alternatives = type.rules.flatMap(rule => (rule.kind === 'one-of' ? [rule.fields] : []))
  return alternatives.find(names => alternativesKey(names) === key)?.find(name => fields[name] !== undefined)
}
