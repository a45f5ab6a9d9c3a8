import { type Credentials, Secret } from '../secret.ts'
import type { Field, SourceType } from './define.ts'
import { namesOf } from './field-names.ts'

/**
 * A stored secret as dsctl would write it: `type`, then the fields under their own names in the order of their
 * declaration, then the keys that the type does not know, as they are. A field that is null or empty is not set.
 */
export function normalised(type: SourceType, stored: Credentials): Credentials {
  const rest = new Map(Object.entries(stored))
  rest.delete('type')
  const known: [string, Secret][] = []
  for (const [name, field] of Object.entries(type.fields)) {
    const value = fieldValue(name, field, stored)
    if (value) known.push([name, value])
    for (const key of namesOf(name, field)) {
      // A list of several can't be put under the field's own name: it stays, hidden, until the field is given.
      if (value || !isSeveral(rest.get(key))) rest.delete(key)
    }
  }
  return Object.fromEntries([['type', new Secret<unknown>(type.name)], ...known, ...rest])
}

function fieldValue(name: string, field: Field, stored: Credentials): Secret | undefined {
  for (const key of namesOf(name, field)) {
    const value = Object.hasOwn(stored, key) ? stored[key]?.reveal() : undefined
    const plain = field.listAliases?.includes(key) ? onlyOne(value) : value
    if (plain !== undefined && plain !== null && plain !== '') return new Secret(plain)
  }
  return undefined
}

function onlyOne(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.length === 1 ? value[0] : undefined
}

function isSeveral(secret: Secret | undefined): boolean {
  const value = secret?.reveal()
  return Array.isArray(value) && value.length > 1
}
