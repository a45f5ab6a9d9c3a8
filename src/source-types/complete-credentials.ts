import { type Credentials, Secret } from '../domain/secret.ts'
import { normalizeCredentials } from './normalize.ts'
import type { Field, SourceType } from './source-type.ts'

/**
 * The credentials as they are stored: `type`, then the fields in the order of their declaration, with default and
 * derived values filled in. The fields must have passed `checkRules`.
 */
export function completeCredentials(type: SourceType, fields: Readonly<Record<string, Secret>>): Credentials {
  return normalizeCredentials(type, withDerived(type, withDefaults(type, fields)))
}

/** Adds default values for the fields that `include` selects (default: all). */
export function withDefaults(
  type: SourceType,
  values: Credentials,
  include: (name: string, field: Field) => boolean = () => true,
): Credentials {
  const added = Object.entries(type.fields)
    .filter(([name, field]) => field.default !== undefined && !has(values, name) && include(name, field))
    .filter(([, field]) => !field.group || usesGroup(type, values, field.group))
    .map(([name, field]): [string, Secret] => [name, new Secret(field.default)])
  return { ...values, ...Object.fromEntries(added) }
}

/** Whether any field of a group is set. */
export function usesGroup(type: SourceType, values: Credentials, group: string): boolean {
  return Object.keys(values).some(name => type.fields[name]?.group === group)
}

/** Adds the values of derived fields that are not set. */
export function withDerived(type: SourceType, values: Credentials): Credentials {
  const added = type.rules.flatMap(rule => {
    if (rule.kind !== 'derived' || has(values, rule.field)) return []
    const value = textProperty(values[rule.from]?.reveal(), rule.key)
    return value === undefined ? [] : [[rule.field, new Secret<unknown>(value)] as const]
  })
  return { ...values, ...Object.fromEntries(added) }
}

/**
 * A property of a JSON object, if it is a non-empty string. `value` may also be JSON text, as other programs store it.
 */
export function textProperty(value: unknown, key: string): string | undefined {
  const object = typeof value === 'string' ? parseJson(value) : value
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, key)) return undefined
  const property: unknown = Reflect.get(object, key)
  return typeof property === 'string' && property !== '' ? property : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function has(values: Credentials, name: string): boolean {
  return Object.hasOwn(values, name)
}
